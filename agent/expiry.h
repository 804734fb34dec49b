/* Ends what is kept by the clock: one thread that sleeps until the first of them is due, and for
 * good while there is none. */
#pragma once

#include "agent/cards.h"

struct expiry;

/* Both outlive it. The session keys may be NULL. */
gpg_error_t expiry_start(struct cards *cards, struct session_key_cache *session_keys,
                         struct expiry **r_expiry);

/* Something is due at end_ms (boottime). Wakes the thread only if it would sleep past that. */
void expiry_note(struct expiry *expiry, int64_t end_ms);

/* Accepts NULL, clears the pointer. */
void expiry_stop(struct expiry **expiry);
