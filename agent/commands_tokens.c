/* TOKENS: the inserted tokens with their keys, for clients without GnuPG. */
#include "agent/card_name.h"
#include "agent/session.h"
#include "apdu/tlv.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

#define TAG_CARDHOLDER 0x65
#define TAG_NAME       0x5b

#define LINE_MAX_OCTETS 256

static gpg_error_t send_line(assuan_context_t assuan, const char *keyword, struct view value)
{
    char text[READER_NAME_MAX];

    return assuan_write_status(assuan, keyword, text_escape(value, text, sizeof text));
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

static gpg_error_t send_token(assuan_context_t assuan, const struct card_facts *facts,
                              const struct card_objects *objects)
{
    const struct application_data *data = &facts->data;
    struct view holder = { 0 };
    char aid[2 * AID_LEN + 1], name[CARD_NAME_MAX], line[LINE_MAX_OCTETS];
    gpg_error_t err;

    (void)tlv_find(tlv_content(buffer_view(&objects->cardholder), TAG_CARDHOLDER, 0), TAG_NAME,
                   &holder);
    snprintf(line, sizeof line, "%s %u.%u %u %u %u %s",
             hex_encode(view_of(data->aid, AID_LEN), aid), data->version >> 8,
             data->version & 0xffu, data->pw.pw1_tries, data->pw.reset_code_tries,
             data->pw.pw3_tries, card_name(data, name));
    err = assuan_write_status(assuan, "TOKEN", line);
    if (!err)
        err = send_line(assuan, "READER", view_of(facts->reader, strlen(facts->reader)));
    if (!err && holder.len)
        err = send_line(assuan, "HOLDER", holder);
    for (int slot = 0; slot < SLOTS && !err; slot++)
        err = send_key(assuan, facts, slot);
    return err;
}

static gpg_error_t cmd_tokens(assuan_context_t assuan, char *line)
{
    struct cards *cards = session_of(assuan)->agent->cards;
    struct card_list list;
    gpg_error_t err = 0;

    (void)line;
    cards_list(cards, &list);
    if (list.count == 0)
        err = cards_service_error(cards);
    for (size_t i = 0; i < list.count && !err; i++) {
        struct card_objects objects = { 0 };
        struct card_facts facts;

        err = card_list_objects(list.card[i], &facts, &objects);
        if (!err)
            err = send_token(assuan, &facts, &objects);
        else if (gpg_err_code(err) == GPG_ERR_ENOENT) /* a card for other things */
            err = 0;
        card_objects_free(&objects);
    }
    card_list_release(&list);
    if (gpg_err_code(err) == GPG_ERR_LOCKED)
        session_tell_holder(session_of(assuan));
    return session_error(err);
}

const struct session_command session_token_commands[] = {
    { "TOKENS", cmd_tokens, "TOKENS\nTells the inserted tokens and their keys, read anew." },
    { NULL, NULL, NULL }
};
