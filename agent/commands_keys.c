/* Commands that tell which keys there are: from the published facts, no card I/O once they are
 * known. */
#include "agent/card_lines.h"
#include "agent/known_tokens.h"
#include "agent/line.h"
#include "agent/session.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

/* Is there a key for this grip: on a card that is in, or on one that was in? */
static gpg_error_t has_key(struct session *session, const uint8_t *keygrip)
{
    struct card_facts facts;
    struct card *card = NULL;
    enum slot slot;
    gpg_error_t err =
        cards_find_key(session->agent->cards, keygrip, SLOTS_DECRYPT, &card, &slot, &facts);

    card_unref(&card);
    if (err && known_tokens_hold(session->agent->known, keygrip))
        return 0;
    /* No card, no key: what gpg wants to hear, and the truth for a key that we never saw. */
    return gpg_err_code(err) == GPG_ERR_CARD_NOT_PRESENT ? gpg_error(GPG_ERR_NO_SECKEY) : err;
}

static gpg_error_t send_grips(assuan_context_t assuan, const struct card_facts *facts, size_t *sent)
{
    gpg_error_t err = 0;

    for (int slot = 0; slot < SLOTS && !err; slot++) {
        if (facts->key[slot].state != SLOT_READ)
            continue;
        err = assuan_send_data(assuan, facts->key[slot].key.keygrip, KEYGRIP_LEN);
        ++*sent;
    }
    return err;
}

static gpg_error_t send_absent_grips(assuan_context_t assuan, size_t *sent)
{
    struct known_token *tokens = NULL;
    size_t count = 0;
    gpg_error_t err = cards_absent_tokens(session_of(assuan)->agent->cards, &tokens, &count);

    for (size_t i = 0; i < count && !err; i++)
        err = send_grips(assuan, &tokens[i].facts, sent);
    free(tokens);
    return err;
}

/* Sends the grips of all keys that are known, decryption keys being made known. */
static gpg_error_t send_all_grips(assuan_context_t assuan, struct cards *cards)
{
    struct card_list list;
    gpg_error_t err = 0;
    gpg_error_t failed = 0;
    size_t sent = 0;

    cards_list(cards, &list);
    for (size_t i = 0; i < list.count && !err; i++) {
        struct card_facts facts;
        gpg_error_t asked = card_learn(list.card[i], SLOTS_DECRYPT, &facts);

        if (asked && gpg_err_code(asked) != GPG_ERR_ENOENT)
            failed = asked;
        err = send_grips(assuan, &facts, &sent);
    }
    card_list_release(&list);
    if (!err)
        err = send_absent_grips(assuan, &sent);
    if (!err && sent == 0)
        err = failed ? failed : gpg_error(GPG_ERR_NO_SECKEY);
    return err;
}

/* gpg names the primary key before the subkey. A card that has the second is not to be looked at
 * again for the first: it would be for every mail. */
static bool one_is_known(struct cards *cards, const char *rest)
{
    uint8_t keygrip[KEYGRIP_LEN];
    struct view word;

    while (line_next_word(&rest, &word)) {
        if (!line_keygrip(word, keygrip))
            return false;
        if (cards_know_key(cards, keygrip))
            return true;
    }
    return false;
}

static gpg_error_t have_key(assuan_context_t assuan, const char *line)
{
    return line_option(line, "--info", NULL)
               ? assuan_write_status(assuan, "KEYFILEINFO", "shadowed")
               : 0;
}

static gpg_error_t cmd_havekey(assuan_context_t assuan, char *line)
{
    struct session *session = session_of(assuan);
    const char *rest = line_arguments(line);
    gpg_error_t first = 0;
    uint8_t keygrip[KEYGRIP_LEN];
    struct view word;

    if (line_option(line, "--list", NULL))
        return session_error(send_all_grips(assuan, session->agent->cards));
    if (one_is_known(session->agent->cards, rest))
        return have_key(assuan, line);
    while (line_next_word(&rest, &word)) {
        gpg_error_t err;

        if (!line_keygrip(word, keygrip))
            return session_fail(assuan, GPG_ERR_ASS_PARAMETER, "no keygrip");
        err = has_key(session, keygrip);
        if (!err)
            return have_key(assuan, line);
        if (!first || gpg_err_code(first) == GPG_ERR_NO_SECKEY)
            first = err;
    }
    return first ? session_error(first) : session_fail(assuan, GPG_ERR_ASS_PARAMETER, "no keygrip");
}

static gpg_error_t send_key_infos(assuan_context_t assuan, const struct card_facts *facts,
                                  bool as_data)
{
    gpg_error_t err = 0;

    for (int slot = 0; slot < SLOTS && !err; slot++) {
        if (facts->key[slot].state == SLOT_READ)
            err = card_lines_send_keyinfo(assuan, facts, (enum slot)slot, card_line_agent_keyinfo,
                                          as_data);
    }
    return err;
}

static gpg_error_t send_absent_key_infos(assuan_context_t assuan, bool as_data)
{
    struct known_token *tokens = NULL;
    size_t count = 0;
    gpg_error_t err = cards_absent_tokens(session_of(assuan)->agent->cards, &tokens, &count);

    for (size_t i = 0; i < count && !err; i++)
        err = send_key_infos(assuan, &tokens[i].facts, as_data);
    free(tokens);
    return err;
}

static gpg_error_t send_all_key_infos(assuan_context_t assuan, bool as_data)
{
    struct card_list list;
    gpg_error_t err = 0;

    cards_list(session_of(assuan)->agent->cards, &list);
    for (size_t i = 0; i < list.count && !err; i++) {
        struct card_facts facts;

        (void)card_learn_for_list(list.card[i], SLOTS_ALL, &facts);
        err = send_key_infos(assuan, &facts, as_data);
    }
    card_list_release(&list);
    return err ? err : send_absent_key_infos(assuan, as_data);
}

/* The key on a card that is in, else on a token that is known. Errors as cards_find_key. */
static gpg_error_t find_key(struct cards *cards, const uint8_t *keygrip, struct card_facts *facts,
                            enum slot *slot)
{
    struct card *card = NULL;
    struct known_token *tokens = NULL;
    size_t count = 0;
    gpg_error_t err = cards_find_key(cards, keygrip, SLOTS_ALL, &card, slot, facts);

    card_unref(&card);
    if (!err || cards_absent_tokens(cards, &tokens, &count))
        return err;
    for (size_t i = 0; i < count && err; i++) {
        if (known_token_find(&tokens[i], keygrip, slot)) {
            *facts = tokens[i].facts;
            err = 0;
        }
    }
    free(tokens);
    return err;
}

static gpg_error_t cmd_keyinfo(assuan_context_t assuan, char *line)
{
    const char *rest = line_arguments(line);
    bool as_data = line_option(line, "--data", NULL);
    uint8_t keygrip[KEYGRIP_LEN];
    struct card_facts facts;
    enum slot slot;
    struct view word;
    gpg_error_t err;

    if (line_option(line, "--list", NULL))
        return session_error(send_all_key_infos(assuan, as_data));
    if (!line_next_word(&rest, &word) || !line_keygrip(word, keygrip))
        return session_fail(assuan, GPG_ERR_ASS_PARAMETER, "no keygrip");
    err = find_key(session_of(assuan)->agent->cards, keygrip, &facts, &slot);
    if (gpg_err_code(err) == GPG_ERR_NO_SECKEY || gpg_err_code(err) == GPG_ERR_CARD_NOT_PRESENT)
        err = gpg_error(GPG_ERR_NOT_FOUND);
    if (!err)
        err = card_lines_send_keyinfo(assuan, &facts, slot, card_line_agent_keyinfo, as_data);
    return session_error(err);
}

static gpg_error_t cmd_readkey(assuan_context_t assuan, char *line)
{
    struct cards *cards = session_of(assuan)->agent->cards;
    const char *id = line_arguments(line);
    uint8_t keygrip[KEYGRIP_LEN];
    struct card_facts facts;
    enum slot slot;
    gpg_error_t err;

    if (line_option(line, "--format", NULL))
        return session_fail(assuan, GPG_ERR_NOT_SUPPORTED, "no other format than the s-expression");
    if (line_keygrip(view_of(id, strlen(id)), keygrip))
        err = find_key(cards, keygrip, &facts, &slot);
    else
        err = card_lines_find(cards, id, &facts, &slot);
    if (!err && !line_option(line, "--no-data", NULL))
        err = card_lines_send_public_key(assuan, &facts.key[slot].key);
    return session_error(err);
}

static gpg_error_t cmd_setkey(assuan_context_t assuan, char *line)
{
    struct session *session = session_of(assuan);
    const char *rest = line_arguments(line);
    struct view word;

    /* The second key of a composite one is a key in software: none of ours. */
    if (line_option(line, "--another", NULL))
        return session_fail(assuan, GPG_ERR_UNSUPPORTED_ALGORITHM, "not on a token");
    if (!line_next_word(&rest, &word) || !line_keygrip(word, session->keygrip))
        return session_fail(assuan, GPG_ERR_ASS_PARAMETER, "no keygrip");
    session->has_keygrip = true;
    return 0;
}

/* gpg's own words for the prompt. Ours are made of what the card and the kernel say instead. */
static gpg_error_t cmd_setkeydesc(assuan_context_t assuan, char *line)
{
    (void)assuan;
    (void)line;
    return 0;
}

const struct session_command session_key_commands[] = {
    { "HAVEKEY", cmd_havekey,
      "HAVEKEY [--info] KEYGRIP...\nHAVEKEY --list[=N]\nOK when one of the keys is on a token." },
    { "KEYINFO", cmd_keyinfo, "KEYINFO [--data] KEYGRIP\nKEYINFO --list [--data]" },
    { "READKEY", cmd_readkey, "READKEY [--card] [--no-data] KEYGRIP|KEYREF" },
    { "SETKEY", cmd_setkey, "SETKEY KEYGRIP\nNames the key for PKDECRYPT." },
    { "SIGKEY", cmd_setkey, "SIGKEY KEYGRIP\nThe same as SETKEY." },
    { "SETKEYDESC", cmd_setkeydesc,
      "SETKEYDESC TEXT\nAccepted: prompts name the key by what its card says." },
    { NULL, NULL, NULL }
};
