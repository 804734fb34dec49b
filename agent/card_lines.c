#include "agent/card_lines.h"

#include "agent/line.h"
#include "agent/session.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

const char *const card_line_usages[SLOTS] = { "sc", "e", "sa" };

static char *serial(const struct card_facts *facts, char out[2 * AID_LEN + 1])
{
    return hex_encode(view_of(facts->data.aid, AID_LEN), out);
}

static char *grip(const struct card_facts *facts, enum slot slot, char out[2 * KEYGRIP_LEN + 1])
{
    return hex_encode(view_of(facts->key[slot].key.keygrip, KEYGRIP_LEN), out);
}

void card_line_agent_keyinfo(const struct card_facts *facts, enum slot slot, char *text)
{
    char aid[2 * AID_LEN + 1], keygrip[2 * KEYGRIP_LEN + 1];

    snprintf(text, CARD_LINE_MAX, "%s T %s OPENPGP.%d - - - - %c", grip(facts, slot, keygrip),
             serial(facts, aid), (int)slot + 1, *facts->reader ? 'A' : '-');
}

void card_line_scd_keyinfo(const struct card_facts *facts, enum slot slot, char *text)
{
    char aid[2 * AID_LEN + 1], keygrip[2 * KEYGRIP_LEN + 1];

    snprintf(text, CARD_LINE_MAX, "%s T %s OPENPGP.%d %s", grip(facts, slot, keygrip),
             serial(facts, aid), (int)slot + 1, card_line_usages[slot]);
}

gpg_error_t card_lines_send_keyinfo(assuan_context_t assuan, const struct card_facts *facts,
                                    enum slot slot, card_line_keyinfo *write, bool as_data)
{
    char text[CARD_LINE_MAX];
    gpg_error_t err;

    write(facts, slot, text);
    if (!as_data)
        return assuan_write_status(assuan, "KEYINFO", text);
    err = session_send_text(assuan, text);
    return err ? err : session_send_text(assuan, "\n");
}

gpg_error_t card_lines_send_serial(assuan_context_t assuan, const struct card_facts *facts)
{
    char aid[2 * AID_LEN + 1];

    return assuan_write_status(assuan, "SERIALNO", serial(facts, aid));
}

gpg_error_t card_lines_send_public_key(assuan_context_t assuan, const struct public_key *key)
{
    gcry_sexp_t sexp;
    gpg_error_t err = public_key_sexp(key, &sexp);
    size_t len;
    char *canonical;

    if (err)
        return err;
    len = gcry_sexp_sprint(sexp, GCRYSEXP_FMT_CANON, NULL, 0);
    canonical = gcry_malloc(len);
    if (canonical) {
        len = gcry_sexp_sprint(sexp, GCRYSEXP_FMT_CANON, canonical, len);
        err = assuan_send_data(assuan, canonical, len);
    } else {
        err = gpg_error(GPG_ERR_ENOMEM);
    }
    gcry_free(canonical);
    gcry_sexp_release(sexp);
    return err;
}

static gpg_error_t find_slot(struct cards *cards, enum slot wanted, struct card_facts *facts,
                             enum slot *slot)
{
    struct card_list list;
    gpg_error_t err;

    cards_list(cards, &list);
    err = list.count ? card_learn(list.card[0], 1u << wanted, facts)
                     : gpg_error(GPG_ERR_CARD_NOT_PRESENT);
    card_list_release(&list);
    if (!err && facts->key[wanted].state != SLOT_READ)
        err = gpg_error(GPG_ERR_NO_OBJ);
    if (!err)
        *slot = wanted;
    return err;
}

gpg_error_t card_lines_find(struct cards *cards, const char *id, struct card_facts *facts,
                            enum slot *slot)
{
    uint8_t keygrip[KEYGRIP_LEN];
    struct card *card = NULL;
    struct view word;
    gpg_error_t err;

    if (strncmp(id, "OPENPGP.", 8) == 0 && id[8] >= '1' && id[8] <= '3' && !id[9])
        return find_slot(cards, (enum slot)(id[8] - '1'), facts, slot);
    if (!line_next_word(&id, &word) || !line_keygrip(word, keygrip))
        return gpg_error(GPG_ERR_INV_ID);
    err = cards_find_key(cards, keygrip, SLOTS_ALL, &card, slot, facts);
    card_unref(&card);
    return err;
}
