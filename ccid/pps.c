#include "ccid/pps.h"

#include "ccid/atr.h"

#define PPSS     0xff
#define PPS0_T1  0x01
#define HAS_PPS1 0x10

static uint8_t check_of(struct view octets)
{
    uint8_t sum = 0;

    for (size_t i = 0; i < octets.len; i++)
        sum ^= octets.data[i];
    return sum;
}

size_t pps_request(uint8_t fi_di, uint8_t out[PPS_MAX])
{
    size_t len = 0;

    out[len++] = PPSS;
    out[len++] = fi_di == ATR_FI_DI_DEFAULT ? PPS0_T1 : PPS0_T1 | HAS_PPS1;
    if (fi_di != ATR_FI_DI_DEFAULT)
        out[len++] = fi_di;
    out[len] = check_of(view_of(out, len));
    return len + 1;
}

bool pps_accepted(struct view request, struct view answer, uint8_t *fi_di)
{
    static const uint8_t without[] = { PPSS, PPS0_T1, PPSS ^ PPS0_T1 };

    if (view_equal(answer, view_of(without, sizeof without))) {
        *fi_di = ATR_FI_DI_DEFAULT;
        return true;
    }
    if (!view_equal(answer, request))
        return false;
    *fi_di = request.data[2];
    return true;
}

uint32_t pps_bit_rate(uint8_t fi_di, uint32_t clock_khz)
{
    /* §8.3, tables 7 and 8 */
    static const uint16_t f[16] = { 372, 372, 558, 744,  1116, 1488, 1860, 0,
                                    0,   512, 768, 1024, 1536, 2048, 0,    0 };
    static const uint8_t d[16] = { 0, 1, 2, 4, 8, 16, 32, 64, 12, 20, 0, 0, 0, 0, 0, 0 };
    uint16_t fi = f[fi_di >> 4];

    return fi ? (uint32_t)((uint64_t)clock_khz * 1000 * d[fi_di & 0x0f] / fi) : 0;
}
