/* Ends cached PINs by the clock: one thread that sleeps until the first of them is due, and for
 * good while there is none. */
#pragma once

#include "agent/cards.h"

struct pin_expiry;

gpg_error_t pin_expiry_start(struct cards *cards, struct pin_expiry **r_expiry);

/* Something is due at end_ms (boottime). Wakes the thread only if it would sleep past that. */
void pin_expiry_note(struct pin_expiry *expiry, int64_t end_ms);

/* Accepts NULL, clears the pointer. */
void pin_expiry_stop(struct pin_expiry **expiry);
