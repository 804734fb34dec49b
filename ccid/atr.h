/* The answer to reset (ISO 7816-3:2006 §8): what a card says of its transmission. Pure. */
#pragma once

#include "base/bytes.h"

#define ATR_FI_DI_DEFAULT 0x11 /* Fi 372, Di 1 (§8.1) */

struct atr {
    uint8_t fi_di;          /* TA1, or ATR_FI_DI_DEFAULT */
    uint8_t guard_time;     /* TC1: N, or 0 */
    uint8_t first;          /* the protocol that is spoken without PPS */
    uint16_t protocols;     /* bit n: T=n is offered */
    bool inverse;           /* TS 3F: inverse convention */
    bool specific;          /* TA2: no PPS (§8.3) */
    bool implicit;          /* TA2 b5: parameters that nobody but the card knows */
    uint8_t t1_ifsc;        /* first TA for T=1 (§11.4.2): 1..254 */
    uint8_t t1_bwi_cwi;     /* first TB for T=1 (§11.4.3) */
    bool t1_crc;            /* first TC for T=1 (§11.4.4): CRC instead of LRC */
    struct view historical; /* borrowed from what was parsed */
};

/* GPG_ERR_BAD_DATA for what is no answer to reset: too short or too long for what it announces, a
 * wrong TS or TCK, an IFSC out of range; *r_atr is untouched then. Octets after the end are
 * ignored, as readers are known to add some. */
gpg_error_t atr_parse(struct view octets, struct atr *r_atr);

/* True if the card offers T=n. */
bool atr_offers(const struct atr *atr, unsigned protocol);
