/* What tokens answered to DECIPHER, remembered for a while in secure memory, so that the same
 * message opened again needs no card, PIN or touch. Whoever asks again must name the same key and
 * the same ciphertext, and the card must still be in. Off unless configured.
 *
 * A cache that is NULL is one that is off. Times are boottime, and the caller's to say. */
#pragma once

#include "apdu/public_key.h"
#include "base/secret.h"

#define SESSION_KEYS_MAX 256 /* the oldest goes for a new one */

/* Octets of the longest answer that is remembered: a coordinate on P-521. A session key in an RSA
 * block is shorter. */
#define SESSION_KEY_ANSWER_MAX 66

struct session_key_cache;

/* What was asked, and when: between which two wipes. */
struct session_key_ticket {
    uint8_t id[32]; /* SHA-256 of key and ciphertext */
    unsigned long wipes;
};

/* *cache is NULL for a time to live of 0. GPG_ERR_ENOMEM. */
gpg_error_t session_key_cache_new(int64_t ttl_ms, struct session_key_cache **cache);

/* Wipes. Accepts NULL, clears the pointer. */
void session_key_cache_free(struct session_key_cache **cache);

/* A ticket for this question, to be taken before the card is asked. `data` is that of DECIPHER. */
void session_key_cache_ask(struct session_key_cache *cache, const uint8_t keygrip[KEYGRIP_LEN],
                           struct view data, struct session_key_ticket *ticket);

/* False when it is not remembered; *answer, an empty one, is then untouched. */
bool session_key_cache_recall(struct session_key_cache *cache,
                              const struct session_key_ticket *ticket, int64_t now_ms,
                              struct secret *answer);

/* Remembers a copy, unless all was wiped since the ticket was taken. Returns when it ends;
 * INT64_MAX when it is not remembered. */
int64_t session_key_cache_remember(struct session_key_cache *cache,
                                   const struct session_key_ticket *ticket,
                                   const struct secret *answer, int64_t now_ms);

/* Wipes what has lived long enough; returns when the next has, INT64_MAX when there is none. */
int64_t session_key_cache_expire(struct session_key_cache *cache, int64_t now_ms);

void session_key_cache_wipe(struct session_key_cache *cache);

size_t session_key_cache_count(struct session_key_cache *cache);
