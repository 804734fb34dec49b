/* An answer to reset. */
#include "ccid/atr.h"
#include "ccid/pps.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view octets = view_of(data, size);
    uint8_t request[PPS_MAX];
    struct atr atr;

    fuzz_mark(&atr, sizeof atr);
    if (atr_parse(octets, &atr)) {
        FUZZ_CHECK(fuzz_marked(&atr, sizeof atr));
        return 0;
    }
    FUZZ_CHECK(size >= 2 && fuzz_within(atr.historical, octets) && atr.historical.len <= 15);
    FUZZ_CHECK(atr.t1_ifsc >= 1 && atr.t1_ifsc <= 254 && atr.protocols);
    FUZZ_CHECK(atr_offers(&atr, 0) || atr.protocols != 1 || atr.specific);
    FUZZ_CHECK(pps_request(atr.fi_di, request) <= PPS_MAX);
    (void)pps_bit_rate(atr.fi_di, 0xffffffff);
    return 0;
}
