/* What every fuzz target needs. */
#pragma once

#include "base/bytes.h"
#include "base/secret.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_CHECK(condition)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* Fills an output before a call, and tells afterwards whether it is as it was. */
static inline void fuzz_mark(void *out, size_t size)
{
    memset(out, 0xa5, size);
}

static inline bool fuzz_marked(const void *out, size_t size)
{
    const unsigned char *bytes = out;

    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != 0xa5)
            return false;
    }
    return true;
}

/* True when part lies within whole. */
static inline bool fuzz_within(struct view part, struct view whole)
{
    return part.len == 0 || (part.data >= whole.data && part.len <= whole.len &&
                             (size_t)(part.data - whole.data) <= whole.len - part.len);
}
