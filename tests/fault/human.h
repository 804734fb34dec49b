/* The human at the pinentry, in the place of agent/pin.c: types what is planned, and remembers
 * which card the prompt named. */
#pragma once

#include "agent/pin.h"

#define TYPED_MAX 16

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
};

extern struct human human;

/* Has typed nothing yet. */
void human_begin(const char *const *plan);

#define RIGHT_PIN "123456"
#define WRONG_PIN "654321"
