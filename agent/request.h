/* One client's request to open something with a key on a card, from its beginning to its end. What
 * watchers and the log are told of it is told from here. */
#pragma once

#include "agent/events.h"
#include "agent/session.h"

struct request {
    struct session *session;
    struct event event; /* what every event of this request says */
    struct session_key_ticket ticket;
};

/* The session outlives the request. */
void request_begin(struct request *request, struct session *session);

/* The key that is wanted, as soon as it is known. */
void request_set_key(struct request *request, const uint8_t keygrip[KEYGRIP_LEN]);

/* card_decrypt on behalf of the client, or what it once gave (agent/session_key_cache.h). */
gpg_error_t request_decrypt(struct request *request, struct card *card,
                            const struct public_key *key, struct view data, struct secret *plain);

/* The same without the card. GPG_ERR_NOT_FOUND. */
gpg_error_t request_recall(struct request *request, struct card *card, const struct public_key *key,
                           struct view data, struct secret *plain);
/* A human is asked for this token, which is not in; is asked no longer. In turns. */
void request_insert_wanted(struct request *request, const struct card_facts *facts);
void request_insert_done(struct request *request);

/* Says how it ended; once. Returns err. */
gpg_error_t request_end(struct request *request, gpg_error_t err);
