/* The TLV reader against a slow one that shares nothing with it but the standard. */
#include "apdu/tlv.h"
#include "tests/fuzz/fuzz.h"

/* One object at *at: octet by octet, in numbers too wide to overflow. */
static bool slow_next(const uint8_t *d, uint64_t size, uint64_t *at, uint64_t *tag, uint64_t *start,
                      uint64_t *len)
{
    uint64_t p = *at;
    uint64_t count;

    while (p < size && (d[p] == 0x00 || d[p] == 0xff))
        p++;
    if (p >= size)
        return false;
    *tag = d[p++];
    if (*tag % 32 == 31) {
        int more = 0;

        do {
            if (p >= size || ++more > 2)
                return false;
            *tag = *tag * 256 + d[p];
        } while (d[p++] >= 128);
    }
    if (p >= size)
        return false;
    *len = d[p++];
    if (*len >= 128) {
        count = *len - 128;
        *len = 0;
        if (count < 1 || count > 4 || size - p < count)
            return false;
        for (; count > 0; count--)
            *len = *len * 256 + d[p++];
    }
    if (*len > size - p)
        return false;
    *start = p;
    *at = p + *len;
    return true;
}

static void check_walk(const uint8_t *data, size_t size)
{
    struct view rest = view_of(data, size);
    uint64_t at = 0;

    for (;;) {
        uint64_t tag, start, len;
        struct view before = rest;
        struct tlv tlv;
        bool slow = slow_next(data, size, &at, &tag, &start, &len);
        bool fast = tlv_next(&rest, &tlv);

        FUZZ_CHECK(slow == fast);
        if (!fast) {
            FUZZ_CHECK(rest.data == before.data && rest.len == before.len);
            return;
        }
        FUZZ_CHECK(tlv.tag == tag && tlv.value.len == len && tlv.value.data == data + start);
        FUZZ_CHECK(rest.len == size - at);
    }
}

/* The first object with each tag that is there, and with one that is not. */
static void check_find(const uint8_t *data, size_t size)
{
    uint64_t at = 0, tag, start, len;
    struct view value;

    while (slow_next(data, size, &at, &tag, &start, &len)) {
        uint64_t first = 0, found, first_start, first_len;

        do
            FUZZ_CHECK(slow_next(data, size, &first, &found, &first_start, &first_len));
        while (found != tag);
        FUZZ_CHECK(tlv_find(view_of(data, size), (uint32_t)tag, &value));
        FUZZ_CHECK(value.data == data + first_start && value.len == first_len);
        if (at > 256)
            break;
    }
    FUZZ_CHECK(!tlv_find(view_of(data, size), 0xffffff, &value));
}

static void check_content(struct view v, size_t slack)
{
    struct view content;
    struct tlv tlv;
    struct view rest = v;

    if (v.len == 0)
        return;
    content = tlv_content(v, v.data[0], slack);
    FUZZ_CHECK(fuzz_within(content, v));
    /* it ends where the data ends */
    FUZZ_CHECK(content.data + content.len == v.data + v.len);
    if (v.data[0] != 0 && v.data[0] % 32 != 31 && tlv_next(&rest, &tlv) && rest.len == 0)
        FUZZ_CHECK(view_equal(content, tlv.value));
}

/* What was read and is written again reads the same. */
static void check_write(struct view v)
{
    struct buffer out = BUFFER(70000);
    struct tlv tlv, again;
    struct view rest;

    while (tlv_next(&v, &tlv)) {
        buffer_clear(&out);
        FUZZ_CHECK(!tlv_append(&out, tlv.tag, tlv.value));
        rest = buffer_view(&out);
        FUZZ_CHECK(tlv_next(&rest, &again) && rest.len == 0);
        FUZZ_CHECK(again.tag == tlv.tag && view_equal(again.value, tlv.value));
    }
    buffer_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_walk(data, size);
    check_find(data, size);
    check_content(view_of(data, size), 0);
    check_content(view_of(data, size), 2);
    check_write(view_of(data, size));
    return 0;
}
