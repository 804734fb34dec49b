/* An answer of a reader, and the same octets as a packet of its interrupt endpoint: number of slots
 * less one, octets. */
#include "ccid/ccid_message.h"
#include "tests/fuzz/fuzz.h"

static void answer(struct view message)
{
    struct ccid_answer a;

    fuzz_mark(&a, sizeof a);
    if (ccid_answer_parse(message, &a)) {
        FUZZ_CHECK(fuzz_marked(&a, sizeof a));
        FUZZ_CHECK(ccid_message_len(message) == 0 || ccid_message_len(message) > message.len);
        return;
    }
    FUZZ_CHECK(fuzz_within(a.data, message));
    FUZZ_CHECK(ccid_message_len(message) == CCID_HEADER_LEN + a.data.len);
    FUZZ_CHECK((unsigned)a.icc <= 3 && (unsigned)a.status <= 3 && ccid_error_name(a.error));
}

static void notices(struct view packet, unsigned slots)
{
    struct ccid_notice n;

    for (size_t before = packet.len; ccid_notice_next(&packet, slots, &n); before = packet.len) {
        FUZZ_CHECK(packet.len < before);
        FUZZ_CHECK(n.hardware_error || !((n.present | n.changed) >> slots));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view octets = view_of(data, size);
    uint8_t slots;

    if (!view_u8(&octets, &slots))
        return 0;
    answer(octets);
    notices(octets, 1 + slots % CCID_SLOTS_MAX);
    return 0;
}
