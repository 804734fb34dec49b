/* TOKENS, FORGET: the tokens that are in or known, with their keys, for clients without GnuPG. */
#include "agent/card_name.h"
#include "agent/known_tokens.h"
#include "agent/session.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_OCTETS 256

static gpg_error_t send_reader(assuan_context_t assuan, const struct card_facts *facts)
{
    struct view name = view_of(facts->reader, strlen(facts->reader));
    char text[READER_NAME_MAX];

    return assuan_write_status(assuan, "READER", text_escape(name, text, sizeof text));
}

static gpg_error_t send_holder(assuan_context_t assuan, const struct card_facts *facts)
{
    return *facts->holder ? assuan_write_status(assuan, "HOLDER", facts->holder) : 0;
}

static gpg_error_t send_key(assuan_context_t assuan, const struct card_facts *facts, int slot)
{
    const struct slot_data *data = &facts->data.slot[slot];
    char fingerprint[2 * FINGERPRINT_LEN + 1], keygrip[2 * KEYGRIP_LEN + 1] = "-";
    char algorithm[ALGORITHM_NAME_MAX], line[LINE_MAX_OCTETS];

    if (!data->present)
        return 0;
    if (facts->key[slot].state == SLOT_READ)
        hex_encode(view_of(facts->key[slot].key.keygrip, KEYGRIP_LEN), keygrip);
    snprintf(line, sizeof line, "%d %s %s %s %u %s", slot + 1,
             algorithm_name(&data->algorithm, algorithm),
             hex_encode(view_of(data->fingerprint, FINGERPRINT_LEN), fingerprint), keygrip,
             data->created, data->touch == TOUCH_OFF ? "no" : "yes");
    return assuan_write_status(assuan, "KEY", line);
}

static gpg_error_t send_keys(assuan_context_t assuan, const struct card_facts *facts)
{
    gpg_error_t err = 0;

    for (int slot = 0; slot < SLOTS && !err; slot++)
        err = send_key(assuan, facts, slot);
    return err;
}

static gpg_error_t send_token(assuan_context_t assuan, const struct card_facts *facts)
{
    const struct application_data *data = &facts->data;
    char aid[2 * AID_LEN + 1], name[CARD_NAME_MAX], line[LINE_MAX_OCTETS];
    gpg_error_t err;

    snprintf(line, sizeof line, "%s %u.%u %u %u %u %s",
             hex_encode(view_of(data->aid, AID_LEN), aid), data->version >> 8,
             data->version & 0xffu, data->pw.pw1_tries, data->pw.reset_code_tries,
             data->pw.pw3_tries, card_name(data, name));
    err = assuan_write_status(assuan, "TOKEN", line);
    if (!err)
        err = send_reader(assuan, facts);
    if (!err)
        err = send_holder(assuan, facts);
    return err ? err : send_keys(assuan, facts);
}

static gpg_error_t send_absent_token(assuan_context_t assuan, const struct known_token *token)
{
    const struct application_data *data = &token->facts.data;
    char aid[2 * AID_LEN + 1], name[CARD_NAME_MAX], line[LINE_MAX_OCTETS];
    gpg_error_t err;

    snprintf(line, sizeof line, "%s %u.%u %s", hex_encode(view_of(data->aid, AID_LEN), aid),
             data->version >> 8, data->version & 0xffu, card_name(data, name));
    err = assuan_write_status(assuan, "ABSENT", line);
    if (!err)
        err = send_holder(assuan, &token->facts);
    return err ? err : send_keys(assuan, &token->facts);
}

static gpg_error_t send_absent_tokens(assuan_context_t assuan, size_t *count)
{
    struct known_token *tokens = NULL;
    gpg_error_t err = cards_absent_tokens(session_of(assuan)->agent->cards, &tokens, count);

    for (size_t i = 0; !err && i < *count; i++)
        err = send_absent_token(assuan, &tokens[i]);
    free(tokens);
    return err;
}

static gpg_error_t cmd_tokens(assuan_context_t assuan, char *line)
{
    struct cards *cards = session_of(assuan)->agent->cards;
    struct card_list list;
    size_t absent = 0;
    bool none;
    gpg_error_t err = 0;

    (void)line;
    cards_list(cards, &list);
    none = list.count == 0;
    for (size_t i = 0; i < list.count && !err; i++) {
        struct card_objects objects = { 0 };
        struct card_facts facts;

        err = card_list_objects(list.card[i], &facts, &objects);
        if (!err)
            err = send_token(assuan, &facts);
        else if (gpg_err_code(err) == GPG_ERR_ENOENT) /* a card for other things */
            err = 0;
        card_objects_free(&objects);
    }
    card_list_release(&list);
    if (!err)
        err = send_absent_tokens(assuan, &absent);
    if (!err && none && absent == 0)
        err = cards_service_error(cards);
    if (gpg_err_code(err) == GPG_ERR_LOCKED)
        session_tell_held_by(session_of(assuan));
    return session_error(err);
}

static gpg_error_t cmd_forget(assuan_context_t assuan, char *line)
{
    uint8_t aid[AID_LEN];
    size_t len;

    if (!hex_decode(line, strlen(line), aid, sizeof aid, &len) || len != AID_LEN)
        return session_fail(assuan, GPG_ERR_ASS_PARAMETER, "no AID");
    return session_error(known_tokens_forget(session_of(assuan)->agent->known, aid));
}

const struct session_command session_token_commands[] = {
    { "TOKENS", cmd_tokens,
      "TOKENS\nTells the inserted tokens and their keys, read anew, and those that are known." },
    { "FORGET", cmd_forget, "FORGET AID\nForgets what is remembered of a token." },
    { NULL, NULL, NULL }
};
