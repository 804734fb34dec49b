/* The human at the pinentry, in the place of agent/pin.c: types what is planned, and remembers
 * which card the prompt named. */
#pragma once

#include "agent/pin.h"
#include "tests/fault/world.h"

#define TYPED_MAX      16
#define INSERTIONS_MAX 3

struct typing {
    uint8_t aid[AID_LEN]; /* of the card that the prompt named */
    char pin[16];
};

struct human {
    const char *const
        *plan; /* PINs to type, NULL-terminated; the right one when it is at its end */
    struct typing typed[TYPED_MAX];
    unsigned count; /* of PINs that were typed */
    unsigned asked;
    enum card_name inserts; /* into the first reader, when asked for a token; NO_CARD: says no */
    unsigned insertions;
};

extern struct human human;

/* Has typed nothing yet. */
void human_begin(const char *const *plan);

#define RIGHT_PIN "123456"
#define WRONG_PIN "654321"
