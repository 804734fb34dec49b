/* Everything that may go wrong at one moment between the agent and a card. */
#pragma once

#include "tests/fault/client.h"
#include "tests/fault/world.h"

extern const struct fault faults[];
extern const size_t fault_count;

/* Whom the happenings happen to. */
struct scene {
    struct agent *agent;
    struct client *client;
};

extern struct scene scene;

/* The card of the slot of the last fault leaves, and the agent knows; and comes back. */
void take_out(void);
void replug(void);

/* True when the fault is one at this call: only a command is answered. */
bool fault_fits(const struct fault *fault, enum call call);
