/* Every card in every reader: kept up to date by one watcher thread per back end, which sleeps in
 * the kernel until something happens. Keys are found by keygrip, never by serial number. */
#pragma once

#include "agent/arrivals.h"
#include "agent/card.h"
#include "agent/events.h"
#include "agent/session_key_cache.h"

#define CARDS_MAX READERS_MAX

struct cards;
struct known_token;

/* References to the cards that were in at one moment, in the order in which they came. */
struct card_list {
    struct card *card[CARDS_MAX];
    size_t count;
};

/* What outlives the cards. */
struct cards_surroundings {
    struct pin_cache_policy pin_policy;
    struct events *events;
    struct known_tokens *known;
    struct session_key_cache *session_keys; /* NULL: none */
};

/* Opens the back ends of the specs and starts the watchers. Logs at error what is wrong with a
 * spec, and fails then. */
gpg_error_t cards_open(char *const *specs, size_t count,
                       const struct cards_surroundings *surroundings, struct cards **r_cards);

/* Waits until every watcher has looked once, and once more where its tokens are shared in another
 * way since: for seconds at most, where a service or a token hangs. */
void cards_await_look(struct cards *cards);

/* Stops the watchers and releases all; no card is referenced elsewhere any more. Accepts NULL,
 * clears the pointer. */
void cards_close(struct cards **cards);

void cards_list(struct cards *cards, struct card_list *list);
void card_list_release(struct card_list *list);

/* card_look_again at each; true when one has other keys. */
bool card_list_look_again(const struct card_list *list);

/* Finds the card that holds the key. The slots in `read` are read from the cards where they are not
 * yet known; the others count as far as they are. *card is the caller's reference.
 *   GPG_ERR_NO_SECKEY         cards are in, none holds it
 *   GPG_ERR_CARD_NOT_PRESENT  no card is in, or a token that is known to hold it is not
 *   GPG_ERR_NO_SERVICE, GPG_ERR_EACCES, GPG_ERR_LOCKED and others: a card could not be asked, or
 * the readers not be listed, so nobody knows */
gpg_error_t cards_find_key(struct cards *cards, const uint8_t keygrip[KEYGRIP_LEN], unsigned read,
                           struct card **card, enum slot *slot, struct card_facts *facts);

/* Whether a card that is in is known to hold the key: from what was read already, no card I/O. */
bool cards_know_key(struct cards *cards, const uint8_t keygrip[KEYGRIP_LEN]);

/* Which program holds a reader with a card for itself, after GPG_ERR_LOCKED; as readers_held_by. */
bool cards_held_by(struct cards *cards, char *out);

/* cards_find_key among all cards but one, which may be NULL. */
gpg_error_t cards_find_key_but(struct cards *cards, const struct card *but,
                               const uint8_t keygrip[KEYGRIP_LEN], struct card **card,
                               enum slot *slot, struct card_facts *facts);

/* A copy of the known tokens that are not in; the caller frees *tokens. GPG_ERR_ENOMEM. */
gpg_error_t cards_absent_tokens(struct cards *cards, struct known_token **tokens, size_t *count);

/* Insertions and released readers, for those who wait for one. */
struct arrivals *cards_arrivals(struct cards *cards);

/* Why there are no cards when the readers cannot even be listed; 0 when they can. */
gpg_error_t cards_service_error(struct cards *cards);

/* The readers of back end number i, with cards or without; false past the last. */
bool cards_readers(struct cards *cards, size_t i, struct reader_list *list);

/* Counts insertions and removals. */
unsigned cards_event_count(struct cards *cards);

/* Ends what is under way with the cards, as far as the back ends can: the agent is to end. */
void cards_interrupt(struct cards *cards);

/* Forgets PINs and verified states of all cards, and what they opened. */
void cards_lock_all(struct cards *cards);
