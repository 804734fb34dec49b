/* Historical bytes, and answers to reset that carry them. */
#include "apdu/quirks.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view v = view_of(data, size);
    struct card_capabilities c = historical_bytes_parse(v);
    struct view historical = atr_historical_bytes(v);

    /* both rest on a third octet of an item, behind a category: four octets and a tag */
    if (c.chaining || c.extended_length)
        FUZZ_CHECK(size >= 5 && (data[0] == 0x00 || data[0] == 0x80));
    FUZZ_CHECK(fuzz_within(historical, v));
    FUZZ_CHECK(historical.len <= 15);
    if (historical.len)
        FUZZ_CHECK(historical.len == (data[1] & 0x0f));
    historical_bytes_parse(historical);
    FUZZ_CHECK(!quirks_guess_extended(historical) || historical.len >= 7);
    FUZZ_CHECK(!quirks_guess_extended(v) || size >= 7);
    return 0;
}
