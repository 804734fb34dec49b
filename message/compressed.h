/* Compressed data (RFC 9580 §5.6), inflated within a budget. */
#pragma once

#include "message/stream.h"

/* A second layer of compression has nothing left to compress, save in a bomb: all layers but the
 * first may give this much, and this many times what was encrypted, together. */
#define NESTED_BASE  (UINT64_C(1) << 20)
#define NESTED_RATIO 1000

/* What a message may grow to, over all its layers. */
struct budget {
    uint64_t output_left;          /* octets that all decompressors together may still give */
    uint64_t nested;               /* octets that all but the first have given */
    const struct input *encrypted; /* where the message comes from; borrowed */
};

struct compressed;

/* Opens the body of the packet; nested: it is inside another one. The budget is borrowed.
 * GPG_ERR_COMPR_ALGO; from *plain GPG_ERR_TOO_LARGE past the budget, GPG_ERR_INV_DATA for data that
 * is not compressed so, GPG_ERR_TRUNCATED where it ends early. */
gpg_error_t compressed_open(struct source body, bool nested, struct budget *budget,
                            struct compressed **c, struct source *plain);

/* Accepts NULL; wipes and clears the pointer. */
void compressed_close(struct compressed **c);
