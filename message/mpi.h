/* Multiprecision integers as OpenPGP writes them (RFC 9580 §3.2). */
#pragma once

#include "base/bytes.h"

/* Takes one from the front of *v: a count of bits, then the octets. Leading zero bits beyond the
 * count are accepted: makers of points write them. False, with *v untouched, when *v is too short.
 */
static inline bool mpi_take(struct view *v, struct view *number)
{
    struct view rest = *v;
    uint16_t bits;

    if (!view_u16(&rest, &bits) || !view_take(&rest, ((size_t)bits + 7) / 8, number))
        return false;
    *v = rest;
    return true;
}
