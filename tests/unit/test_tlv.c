#include "apdu/tlv.h"
#include "tests/unit/hex.h"

static void objects_come_one_after_another(void **state)
{
    struct view rest = hex("4F0101 5F520202AB 7F660403040506");
    struct tlv tlv;

    (void)state;
    assert_true(tlv_next(&rest, &tlv));
    assert_int_equal(tlv.tag, 0x4f);
    assert_octets(tlv.value, "01");
    assert_true(tlv_next(&rest, &tlv));
    assert_int_equal(tlv.tag, 0x5f52);
    assert_octets(tlv.value, "02AB");
    assert_true(tlv_next(&rest, &tlv));
    assert_int_equal(tlv.tag, 0x7f66);
    assert_octets(tlv.value, "03040506");
    assert_false(tlv_next(&rest, &tlv));
    assert_int_equal(tlv.tag, 0x7f66);
}

/* ISO 8825-1 §8.1.2.4: low tag number 1F, then octets of which all but the last have bit 8. */
static void tags_have_up_to_three_octets(void **state)
{
    const struct {
        const char *data;
        uint32_t tag; /* 0: malformed */
    } rows[] = {
        { "8100", 0x81 },     { "7F4900", 0x7f49 }, { "5F5200", 0x5f52 }, { "5F810100", 0x5f8101 },
        { "1F0100", 0x1f01 }, { "5F81810100", 0 },  { "5F", 0 },          { "5F81", 0 },
        { "1E00", 0x1e },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct view rest = hex(rows[i].data);
        struct tlv tlv = { 0 };

        assert_int_equal(tlv_next(&rest, &tlv), rows[i].tag != 0);
        assert_int_equal(tlv.tag, rows[i].tag);
    }
}

/* ISO 8825-1 §8.1.3: definite lengths, minimal or not. */
static void lengths_have_up_to_four_octets(void **state)
{
    const struct {
        const char *data;
        int len; /* -1: malformed */
    } rows[] = {
        { "8100", 0 },
        { "810101", 1 },
        { "81810101", 1 },
        { "8182000101", 1 },
        { "818300000101", 1 },
        { "81840000000101", 1 },
        { "8185000000000101", -1 },
        { "8180", -1 },
        { "818000000000", -1 },
        { "81FF01", -1 },
        { "8102", -1 },
        { "810201", -1 },
        { "8184FFFFFFFF01", -1 },
        { "8182FFFF01", -1 },
        { "81", -1 },
        { "8181", -1 },
        { "818200", -1 },
        { "", -1 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct view rest = hex(rows[i].data);
        size_t before = rest.len;
        struct tlv tlv;

        assert_int_equal(tlv_next(&rest, &tlv), rows[i].len >= 0);
        if (rows[i].len >= 0)
            assert_int_equal(tlv.value.len, rows[i].len);
        else
            assert_int_equal(rest.len, before);
    }
}

static void long_values_are_whole(void **state)
{
    static const size_t lengths[] = { 0, 1, 127, 128, 255, 256, 1000, 65535 };
    static uint8_t value[65536];

    (void)state;
    memset(value, 0x5a, sizeof value);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct buffer out = BUFFER(70000);
        struct view rest;
        struct tlv tlv;

        assert_ok(tlv_append(&out, 0x7f49, view_of(value, lengths[i])));
        rest = buffer_view(&out);
        assert_true(tlv_next(&rest, &tlv));
        assert_int_equal(tlv.value.len, lengths[i]);
        assert_int_equal(rest.len, 0);
        buffer_free(&out);
    }
}

/* ISO 7816-4 §5.2.2.1 */
static void filler_between_objects_is_passed_over(void **state)
{
    struct view rest = hex("0000FF 810101 00FFFF00 820102 0000");
    struct tlv tlv;

    (void)state;
    assert_true(tlv_next(&rest, &tlv));
    assert_int_equal(tlv.tag, 0x81);
    assert_true(tlv_next(&rest, &tlv));
    assert_int_equal(tlv.tag, 0x82);
    assert_false(tlv_next(&rest, &tlv));
    rest = hex("00FF00");
    assert_false(tlv_next(&rest, &tlv));
}

static void find_looks_at_one_level_and_takes_the_first(void **state)
{
    struct view data = hex("73028101 810201AA 8101BB 9F0101CC");
    struct view value = view_of("x", 1);

    (void)state;
    assert_true(tlv_find(data, 0x81, &value));
    assert_octets(value, "01AA");
    assert_true(tlv_find(data, 0x9f01, &value));
    assert_octets(value, "CC");
    assert_false(tlv_find(data, 0x82, &value));
    assert_octets(value, "CC");
    assert_false(tlv_find(view_of(NULL, 0), 0x81, &value));
}

static void nothing_behind_a_malformed_object_is_found(void **state)
{
    struct view value;

    (void)state;
    assert_false(tlv_find(hex("8180 820101"), 0x82, &value));
    assert_false(tlv_find(hex("8109 820101"), 0x82, &value));
}

static void outer_tag_is_stripped_when_it_spans_the_rest(void **state)
{
    (void)state;
    assert_octets(tlv_content(hex("6E03810101"), 0x6e, 0), "810101");
    assert_octets(tlv_content(hex("6E8103810101"), 0x6e, 0), "810101");
    assert_octets(tlv_content(hex("6E820003810101"), 0x6e, 0), "810101");
    assert_octets(tlv_content(hex("810101"), 0x6e, 0), "810101");
    assert_octets(tlv_content(hex("6E02810101"), 0x6e, 0), "6E02810101");
    assert_octets(tlv_content(hex("6E04810101"), 0x6e, 0), "6E04810101");
    assert_octets(tlv_content(hex("6E"), 0x6e, 0), "6E");
    assert_octets(tlv_content(hex("6E00"), 0x6e, 0), "");
    assert_octets(tlv_content(hex(""), 0x6e, 0), "");
}

/* Old YubiKeys give DO FA a length that is 2 too large. */
static void outer_length_may_run_past_the_end_by_the_slack(void **state)
{
    (void)state;
    assert_octets(tlv_content(hex("FA05C1010A"), 0xfa, 2), "C1010A");
    assert_octets(tlv_content(hex("FA06C1010A"), 0xfa, 2), "FA06C1010A");
    assert_octets(tlv_content(hex("FA05C1010A"), 0xfa, 0), "FA05C1010A");
    assert_octets(tlv_content(hex("FA84FFFFFFFFC1"), 0xfa, 2), "FA84FFFFFFFFC1");
}

static void written_lengths_are_minimal(void **state)
{
    static const uint8_t zeros[65536];
    const struct {
        uint32_t tag;
        size_t len;
        const char *head;
    } rows[] = {
        { 0x86, 0, "8600" },         { 0x86, 127, "867F" },       { 0x86, 128, "868180" },
        { 0x86, 255, "8681FF" },     { 0x86, 256, "86820100" },   { 0x7f49, 133, "7F498185" },
        { 0x86, 65535, "8682FFFF" }, { 0x5f8101, 1, "5F810101" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buffer out = BUFFER(70000);
        size_t head = strlen(rows[i].head) / 2;

        assert_ok(tlv_append(&out, rows[i].tag, view_of(zeros, rows[i].len)));
        assert_int_equal(out.len, head + rows[i].len);
        assert_octets(view_of(out.data, head), rows[i].head);
        buffer_free(&out);
    }
}

static void what_cannot_be_written_leaves_the_buffer_alone(void **state)
{
    static const uint8_t zeros[65536];
    struct buffer out = BUFFER(70000);

    (void)state;
    assert_ok(buffer_append_u8(&out, 0xee));
    assert_err(tlv_append(&out, 0x86, view_of(zeros, 65536)), GPG_ERR_TOO_LARGE);
    out.max = 1 + 4 + 255;
    assert_err(tlv_append(&out, 0x86, view_of(zeros, 256)), GPG_ERR_TOO_LARGE);
    out.max = 2;
    assert_err(tlv_append(&out, 0x7f49, view_of(zeros, 0)), GPG_ERR_TOO_LARGE);
    assert_octets(buffer_view(&out), "EE");
    buffer_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_come_one_after_another),
        cmocka_unit_test(tags_have_up_to_three_octets),
        cmocka_unit_test(lengths_have_up_to_four_octets),
        cmocka_unit_test(long_values_are_whole),
        cmocka_unit_test(filler_between_objects_is_passed_over),
        cmocka_unit_test(find_looks_at_one_level_and_takes_the_first),
        cmocka_unit_test(nothing_behind_a_malformed_object_is_found),
        cmocka_unit_test(outer_tag_is_stripped_when_it_spans_the_rest),
        cmocka_unit_test(outer_length_may_run_past_the_end_by_the_slack),
        cmocka_unit_test(written_lengths_are_minimal),
        cmocka_unit_test(what_cannot_be_written_leaves_the_buffer_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
