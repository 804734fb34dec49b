/* What the agent is asked to do while things go wrong. */
#pragma once

#include "tests/fault/client.h"
#include "tests/fault/world.h"

struct operation {
    const char *name;
    enum card_name cards[SLOTS_IN_WORLD];
    bool keeps_pins;         /* the agent has a PIN cache */
    bool warm;               /* the same was done before, without a fault */
    void (*meanwhile)(void); /* between the two */
    const char *const *plan; /* of the human */
    const char *command;     /* NULL: decrypt with the key of `key`, which HAVEKEY asks for, too */
    bool asks_insertion;     /* the human has the first card at hand, and inserts it when asked */
    bool session_key;        /* by SESSIONKEY */
    enum card_name key;      /* whose ciphertext and keygrip */
};

extern const struct operation operations[];
extern const size_t operation_count;

/* Makes the ciphertexts and learns the keygrips. */
void operations_prepare(struct agent *agent);
void operations_done(void);

/* Does it, and looks at what came back: the right plaintext, or an error and none of it. */
void operation_run(const struct operation *operation, struct client *client, struct reply *reply);

/* True when the reply is the right plaintext, or the listing's success. */
bool operation_is_right(const struct operation *operation, const struct reply *reply);

/* Octets that must be in no log. */
struct view operation_secret(const struct operation *operation);
