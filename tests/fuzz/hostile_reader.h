/* A reader whose card answers what the fuzzer's input says, and which looks at every command. */
#pragma once

#include "ccid/backend.h"
#include "tests/fuzz/fuzz.h"

struct hostile_reader {
    struct reader reader;
    struct view script;        /* what is left of the input */
    const struct view *canned; /* whole answers that a script names by number */
    size_t canned_count;
    size_t commands;
    size_t verifies;   /* VERIFY with a PIN */
    size_t operations; /* PSO, the last of its chain */
};

/* The input is a list of:
 *   00..07           an error of the reader
 *   08 n             n octets, the answer as it is
 *   09 n             n octets and 9000
 *   0A n s           n octets and 61 s
 *   0B hi lo octet   so many times the octet, and 9000
 *   0C n             the canned answer n and 9000
 *   sw1 sw2          a status word, for all else
 * At its end the card is gone. */
struct reader *hostile_reader(struct hostile_reader *r, struct view script);
