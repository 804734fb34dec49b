/* Decryption keys for the cards in devices, with what they decrypt: each kind that a profile may
 * have, so that every device is asked for what it can do. */
#pragma once

#include "tests/token/token.h"

/* As hex, blanks ignored by hex() of tests/unit/hex.h. */
struct card_key {
    const char *name;
    enum profile_algorithm algorithm;
    const char *state;      /* a whole card with this key, default PINs: token_load */
    const char *ciphertext; /* what came with a message: the number, or the point */
    const char *command;    /* data of PSO:DECIPHER for it (§7.2.11) */
    const char *secret;     /* data of the answer */
};

/* Ended by one without a name. */
extern const struct card_key card_keys[];

/* Whether cards of this kind take such keys. */
bool card_key_fits(const struct card_key *key, const struct token_profile *profile);
const struct card_key *card_key_find(enum profile_algorithm algorithm);
