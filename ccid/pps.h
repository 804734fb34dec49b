/* The choice of a protocol and its speed (ISO 7816-3:2006 §9): PPS for T=1. Pure. */
#pragma once

#include "base/bytes.h"

#define PPS_MAX 4

/* A request for T=1 at fi_di; without PPS1 when that is the default. Returns its octets. */
size_t pps_request(uint8_t fi_di, uint8_t out[PPS_MAX]);

/* True if the card agrees; *fi_di is what it agrees to: the request's, or the default when it left
 * PPS1 out (§9.3). */
bool pps_accepted(struct view request, struct view answer, uint8_t *fi_di);

/* Bits a second at fi_di with that clock; 0 for a value that is reserved. */
uint32_t pps_bit_rate(uint8_t fi_di, uint32_t clock_khz);
