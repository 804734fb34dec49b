/* A PIN that a human typed and the card took, kept for a while in secure memory. Pure: the caller
 * says what time it is. */
#pragma once

#include "base/secret.h"

struct pin_cache_policy {
    int64_t idle_ms; /* since it was last of use; 0: nothing is kept */
    int64_t max_ms;  /* since it was typed */
};

/* Zero-initialised: empty. */
struct pin_cache {
    struct secret pin;
    bool unseen; /* a PIN that never came here opened the state, which ends all the same */
    int64_t typed_ms, used_ms;
};

/* Takes *pin over; what was kept is wiped. Wipes *pin when the policy keeps nothing. */
void pin_cache_keep(struct pin_cache *cache, const struct pin_cache_policy *policy,
                    struct secret *pin, int64_t now_ms);

/* The card took a PIN that was typed at the reader; what was kept is wiped. */
void pin_cache_note_unseen(struct pin_cache *cache, int64_t now_ms);

/* The PIN or the state that it opened was of use. */
void pin_cache_touch(struct pin_cache *cache, int64_t now_ms);

/* When it ends; INT64_MAX while empty. */
int64_t pin_cache_end_ms(const struct pin_cache *cache, const struct pin_cache_policy *policy);

void pin_cache_wipe(struct pin_cache *cache);
