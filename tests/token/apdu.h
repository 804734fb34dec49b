/* Command APDUs as ISO 7816-4 §5.1 has them. */
#pragma once

#include "base/bytes.h"

#define CLASS_CHAINED 0x10

struct command {
    uint8_t cla, ins, p1, p2;
    struct view data; /* borrowed; empty without Lc */
    bool extended;    /* the length fields are */
    bool has_le;
    size_t le; /* 1 to 65536 with has_le */
};

/* Decodes cases 1 to 4, short and extended; lengths that do not add up, or mix both forms, are
 * refused and *command is untouched. */
bool token_apdu_decode(struct view apdu, struct command *command);
