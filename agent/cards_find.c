#include "agent/cards_private.h"
#include "agent/known_tokens.h"
#include "base/advice.h"
#include "base/log.h"
#include "base/text.h"

#include <string.h>

static void explain_card(const struct card_facts *facts, gpg_error_t err)
{
    const char *what = advice(err);
    char name[READER_NAME_MAX];

    log_warning("the card in reader %s cannot be asked: %s%s%s",
                text_escape(view_of(facts->reader, strlen(facts->reader)), name, sizeof name),
                gpg_strerror(err), what ? ": " : "", what ? what : "");
}

static bool facts_hold(const struct card_facts *facts, const uint8_t *keygrip, enum slot *slot)
{
    for (int i = 0; i < SLOTS; i++) {
        if (facts->key[i].state == SLOT_READ &&
            memcmp(facts->key[i].key.keygrip, keygrip, KEYGRIP_LEN) == 0) {
            *slot = (enum slot)i;
            return true;
        }
    }
    return false;
}

/* Makes sure of the slots in `read` of every listed card, and looks into all that is known. *asked:
 * the first error of a card that should have been able to tell. */
static struct card *find_among(const struct card_list *list, const uint8_t *keygrip, unsigned read,
                               enum slot *slot, struct card_facts *facts, gpg_error_t *asked)
{
    for (size_t i = 0; i < list->count; i++) {
        gpg_error_t err = card_learn(list->card[i], read, facts);

        if (!err && facts_hold(facts, keygrip, slot))
            return card_ref(list->card[i]);
        if (!err || gpg_err_code(err) == GPG_ERR_ENOENT)
            continue;
        explain_card(facts, err);
        if (!*asked)
            *asked = err;
    }
    return NULL;
}

/* The decryption slot first, of every card: a decryption must not pay for the other slots. */
static struct card *find(const struct card_list *list, const uint8_t *keygrip, unsigned read,
                         enum slot *slot, struct card_facts *facts, gpg_error_t *asked)
{
    struct card *found = find_among(list, keygrip, SLOTS_DECRYPT, slot, facts, asked);

    if (!found && read != SLOTS_DECRYPT)
        found = find_among(list, keygrip, read, slot, facts, asked);
    return found;
}

/* Why the key was not found; asked: the error of a card that might have had it. */
static gpg_error_t explain_absence(struct cards *cards, const uint8_t *keygrip, bool none,
                                   gpg_error_t asked)
{
    gpg_error_t service = cards_service_error(cards);

    if (asked)
        return asked;
    if (none && service)
        return service;
    if (none || known_tokens_hold(cards->around.known, keygrip))
        return gpg_error(GPG_ERR_CARD_NOT_PRESENT);
    return gpg_error(GPG_ERR_NO_SECKEY);
}

static gpg_error_t find_in_list(struct cards *cards, struct card_list *list, const uint8_t *keygrip,
                                unsigned read, struct card **r_card, enum slot *slot,
                                struct card_facts *facts)
{
    bool none = list->count == 0;
    gpg_error_t asked = 0;
    struct card *found = find(list, keygrip, read, slot, facts, &asked);

    if (!found && !asked && card_list_look_again(list))
        found = find(list, keygrip, read, slot, facts, &asked);
    card_list_release(list);
    if (!found)
        return explain_absence(cards, keygrip, none, asked);
    *r_card = found;
    return 0;
}

gpg_error_t cards_find_key(struct cards *cards, const uint8_t keygrip[KEYGRIP_LEN], unsigned read,
                           struct card **card, enum slot *slot, struct card_facts *facts)
{
    struct card_list list;

    cards_list(cards, &list);
    return find_in_list(cards, &list, keygrip, read, card, slot, facts);
}

bool cards_know_key(struct cards *cards, const uint8_t keygrip[KEYGRIP_LEN])
{
    struct card_list list;
    bool known = false;

    cards_list(cards, &list);
    for (size_t i = 0; i < list.count && !known; i++) {
        struct card_facts facts;
        enum slot slot;

        card_known_facts(list.card[i], &facts);
        known = facts_hold(&facts, keygrip, &slot);
    }
    card_list_release(&list);
    return known;
}

gpg_error_t cards_find_key_but(struct cards *cards, const struct card *but,
                               const uint8_t keygrip[KEYGRIP_LEN], struct card **card,
                               enum slot *slot, struct card_facts *facts)
{
    struct card_list list;
    size_t kept = 0;

    cards_list(cards, &list);
    for (size_t i = 0; i < list.count; i++) {
        if (list.card[i] == but)
            card_unref(&list.card[i]);
        else
            list.card[kept++] = list.card[i];
    }
    list.count = kept;
    return find_in_list(cards, &list, keygrip, SLOTS_DECRYPT, card, slot, facts);
}
