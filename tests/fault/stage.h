/* One operation with one thing that goes wrong, in an agent of its own, and everything that must be
 * true afterwards: exactly one reply, right or an error without plaintext; no PIN sent that was not
 * typed, and none to another card than the prompt named; no try spent but by a wrong PIN; no
 * transaction left open, no descriptor more; in no log a PIN or a plaintext; and the next operation
 * works. Leaks are the sanitizer's to find. */
#pragma once

#include "tests/fault/faults.h"
#include "tests/fault/operations.h"

struct test_case {
    const struct operation *operation;
    const struct fault *fault; /* NULL: none */
    unsigned at;               /* which call to a reader */
    enum call call;            /* what it is */
    uint8_t instruction;       /* of the command, if it is one */
    const char *shortage;      /* what else is wrong, NULL when nothing is */
    void (*begin)(void);       /* called right before the operation, and after it */
    void (*end)(void);
};

/* Fails the test that runs, and says which case it was. *calls, unless NULL, tells which calls to
 * readers it took. */
void stage_run(const struct test_case *test_case, struct world *calls);

/* Runs `test` for every operation, whose number is its state, and then `last`; returns what main
 * does. */
int stage_run_all(const char *name, void (*test)(void **state), void (*last)(void **state));

/* The operation of a test's state. */
const struct operation *stage_operation(void **state);
