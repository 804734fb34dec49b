/* What stands between an interface and its endpoints. */
#include "ccid/ccid_descriptor.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ccid_descriptor d;

    fuzz_mark(&d, sizeof d);
    if (ccid_descriptor_parse(view_of(data, size), &d)) {
        FUZZ_CHECK(fuzz_marked(&d, sizeof d));
        return 0;
    }
    FUZZ_CHECK(size >= 54 && d.slots >= 1 && d.slots <= CCID_SLOTS_MAX);
    FUZZ_CHECK(d.max_message > CCID_HEADER_LEN && d.max_message <= CCID_MESSAGE_MAX);
    return 0;
}
