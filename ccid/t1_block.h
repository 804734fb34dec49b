/* Blocks of T=1 (ISO 7816-3:2006 §11.3): prologue NAD PCB LEN, information, LRC. Pure. */
#pragma once

#include "base/bytes.h"

#define T1_INF_MAX      254
#define T1_BLOCK_OCTETS (3 + T1_INF_MAX + 1)
#define T1_OVERHEAD     4 /* octets of a block that are not information */

enum t1_kind { T1_I, T1_R, T1_S_REQUEST, T1_S_RESPONSE };

enum t1_supervisory { T1_S_RESYNCH = 0, T1_S_IFS = 1, T1_S_ABORT = 2, T1_S_WTX = 3 };

/* Bits 1 to 4 of the PCB of an R-block */
enum t1_error { T1_NO_ERROR = 0, T1_EDC_ERROR = 1, T1_OTHER_ERROR = 2 };

struct t1_block {
    enum t1_kind kind;
    uint8_t number;          /* I: N(S), R: N(R), 0 or 1; S: an enum t1_supervisory */
    bool more;               /* I: the chain goes on */
    enum t1_error error;     /* R; not looked at in what is received */
    struct view information; /* I, S; borrowed */
};

/* Writes the block with NAD 0; the information must not exceed T1_INF_MAX. Returns its octets. */
size_t t1_block_encode(const struct t1_block *block, uint8_t out[T1_BLOCK_OCTETS]);

/* Octets after the block are no part of it and make it invalid. GPG_ERR_CHECKSUM for a wrong LRC,
 * GPG_ERR_BAD_DATA for anything else that is no block; *r is untouched then. */
gpg_error_t t1_block_parse(struct view octets, struct t1_block *r);
