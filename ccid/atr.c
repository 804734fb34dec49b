#include "ccid/atr.h"

#define TS_DIRECT  0x3b
#define TS_INVERSE 0x3f

#define HAS_TA 0x10
#define HAS_TB 0x20
#define HAS_TC 0x40
#define HAS_TD 0x80

#define GROUPS_MAX 8 /* 32 octets after TS hold no more that say anything */

#define TA2_IMPLICIT 0x10
#define TC_T1_CRC    0x01

#define T1_IFSC_DEFAULT    32
#define T1_IFSC_MAX        254
#define T1_BWI_CWI_DEFAULT 0x4d

/* One of TAi TBi TCi TDi, and whether it is there. */
struct octet {
    bool there;
    uint8_t value;
};

struct group {
    struct octet ta, tb, tc, td;
};

static bool take_octet(struct view *rest, bool there, struct octet *octet)
{
    *octet = (struct octet){ .there = there };
    return !there || view_u8(rest, &octet->value);
}

static bool take_group(struct view *rest, uint8_t y, struct group *g)
{
    return take_octet(rest, y & HAS_TA, &g->ta) && take_octet(rest, y & HAS_TB, &g->tb) &&
           take_octet(rest, y & HAS_TC, &g->tc) && take_octet(rest, y & HAS_TD, &g->td);
}

static void read_global(const struct group *g, unsigned i, struct atr *atr)
{
    if (i == 1 && g->ta.there)
        atr->fi_di = g->ta.value;
    if (i == 1 && g->tc.there)
        atr->guard_time = g->tc.value;
    if (i == 2 && g->ta.there) {
        atr->specific = true;
        atr->implicit = g->ta.value & TA2_IMPLICIT;
        atr->first = g->ta.value & 0x0f;
    }
}

/* The first group from the third on that follows a TD for T=1. */
static bool read_t1(const struct group *g, struct atr *atr)
{
    if (g->ta.there && (g->ta.value == 0 || g->ta.value > T1_IFSC_MAX))
        return false;
    if (g->ta.there)
        atr->t1_ifsc = g->ta.value;
    if (g->tb.there)
        atr->t1_bwi_cwi = g->tb.value;
    if (g->tc.there)
        atr->t1_crc = g->tc.value & TC_T1_CRC;
    return true;
}

/* TA1 to the last TD. *check: a TCK ends the ATR, which it does unless T=0 alone is offered. */
static bool read_interface(struct view *rest, uint8_t y, struct atr *atr, bool *check)
{
    unsigned protocol = 0;
    bool t1_read = false;

    *check = false;
    for (unsigned i = 1; y; i++) {
        struct group g;

        if (i > GROUPS_MAX || !take_group(rest, y, &g))
            return false;
        read_global(&g, i, atr);
        if (i > 2 && protocol == 1 && !t1_read) {
            t1_read = true;
            if (!read_t1(&g, atr))
                return false;
        }
        if (!g.td.there)
            break;
        protocol = g.td.value & 0x0f;
        if (i == 1)
            atr->first = (uint8_t)protocol;
        *check = *check || protocol != 0;
        atr->protocols |= (uint16_t)(1u << protocol);
        y = g.td.value & 0xf0;
    }
    return true;
}

static bool sum_is_zero(struct view octets)
{
    uint8_t sum = 0;

    for (size_t i = 0; i < octets.len; i++)
        sum ^= octets.data[i];
    return sum == 0;
}

gpg_error_t atr_parse(struct view octets, struct atr *r_atr)
{
    struct atr atr = { .fi_di = ATR_FI_DI_DEFAULT,
                       .t1_ifsc = T1_IFSC_DEFAULT,
                       .t1_bwi_cwi = T1_BWI_CWI_DEFAULT };
    struct view rest = octets;
    uint8_t ts, t0, tck;
    bool check;

    if (!view_u8(&rest, &ts) || (ts != TS_DIRECT && ts != TS_INVERSE) || !view_u8(&rest, &t0))
        return gpg_error(GPG_ERR_BAD_DATA);
    atr.inverse = ts == TS_INVERSE;
    if (!read_interface(&rest, t0 & 0xf0, &atr, &check) ||
        !view_take(&rest, t0 & 0x0f, &atr.historical) || (check && !view_u8(&rest, &tck)))
        return gpg_error(GPG_ERR_BAD_DATA);
    /* All from T0 to TCK (§8.2.5). */
    if (check && !sum_is_zero(view_of(octets.data + 1, octets.len - 1 - rest.len)))
        return gpg_error(GPG_ERR_BAD_DATA);
    if (!atr.protocols)
        atr.protocols = 1;
    *r_atr = atr;
    return 0;
}

bool atr_offers(const struct atr *atr, unsigned protocol)
{
    return protocol < 15 &&
           (atr->specific ? atr->first == protocol : atr->protocols >> protocol & 1);
}
