#include "base/bytes.h"
#include "tests/unit/cmocka_all.h"

#include <string.h>

static void view_reads_big_endian_numbers(void **state)
{
    struct view v = view_of("\x01\x02\x03\x04\x05\x06\x07", 7);
    uint8_t a;
    uint16_t b;
    uint32_t c;

    (void)state;
    assert_true(view_u8(&v, &a));
    assert_int_equal(a, 0x01);
    assert_true(view_u16(&v, &b));
    assert_int_equal(b, 0x0203);
    assert_true(view_u32(&v, &c));
    assert_int_equal(c, 0x04050607);
    assert_int_equal(v.len, 0);
}

static void view_too_short_is_left_alone(void **state)
{
    struct view v = view_of("\x01\x02\x03", 3);
    struct view taken = view_of("x", 1);
    uint32_t number = 7;

    (void)state;
    assert_false(view_u32(&v, &number));
    assert_false(view_take(&v, 4, &taken));
    assert_int_equal(number, 7);
    assert_int_equal(v.len, 3);
    assert_memory_equal(taken.data, "x", 1);
}

static void view_of_nothing_gives_nothing(void **state)
{
    struct view v = { 0 };
    struct view taken;

    (void)state;
    assert_true(view_take(&v, 0, &taken));
    assert_int_equal(taken.len, 0);
    assert_true(view_equal(v, taken));
}

static void leading_zeros_are_stripped(void **state)
{
    (void)state;
    assert_int_equal(view_strip_zeros(view_of("\0\0\x01\0", 4)).len, 2);
    assert_int_equal(view_strip_zeros(view_of("\0\0", 2)).len, 0);
}

static void buffer_grows_to_its_cap_and_no_further(void **state)
{
    struct buffer b = BUFFER(200);
    uint8_t block[100];

    (void)state;
    memset(block, 0xa5, sizeof block);
    assert_int_equal(buffer_append(&b, block, 100), 0);
    assert_int_equal(buffer_append(&b, block, 100), 0);
    assert_int_equal(gpg_err_code(buffer_append(&b, block, 1)), GPG_ERR_TOO_LARGE);
    assert_int_equal(gpg_err_code(buffer_append(&b, block, SIZE_MAX)), GPG_ERR_TOO_LARGE);
    assert_null(buffer_reserve(&b, 1));
    assert_int_equal(b.len, 200);
    assert_int_equal(b.data[199], 0xa5);
    buffer_free(&b);
    buffer_free(&b);
    assert_null(b.data);
}

static void buffer_writes_big_endian_numbers(void **state)
{
    struct buffer b = BUFFER(7);

    (void)state;
    assert_int_equal(buffer_append_u8(&b, 0x01), 0);
    assert_int_equal(buffer_append_u16(&b, 0x0203), 0);
    assert_int_equal(buffer_append_u32(&b, 0x04050607), 0);
    assert_memory_equal(b.data, "\x01\x02\x03\x04\x05\x06\x07", 7);
    buffer_free(&b);
}

static void cleared_buffer_holds_none_of_its_bytes(void **state)
{
    struct buffer b = BUFFER(16);

    (void)state;
    assert_int_equal(buffer_append(&b, "secret", 6), 0);
    buffer_clear(&b);
    assert_int_equal(b.len, 0);
    assert_memory_equal(b.data, "\0\0\0\0\0\0", 6);
    buffer_free(&b);
}

static void truncated_buffer_keeps_its_front_alone(void **state)
{
    struct buffer b = BUFFER(16);

    (void)state;
    buffer_truncate(&b, 0);
    assert_int_equal(buffer_append(&b, "secret", 6), 0);
    buffer_truncate(&b, 7);
    assert_int_equal(b.len, 6);
    buffer_truncate(&b, 2);
    assert_int_equal(b.len, 2);
    assert_memory_equal(b.data, "se\0\0\0\0", 6);
    buffer_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(view_reads_big_endian_numbers),
        cmocka_unit_test(view_too_short_is_left_alone),
        cmocka_unit_test(view_of_nothing_gives_nothing),
        cmocka_unit_test(leading_zeros_are_stripped),
        cmocka_unit_test(buffer_grows_to_its_cap_and_no_further),
        cmocka_unit_test(buffer_writes_big_endian_numbers),
        cmocka_unit_test(cleared_buffer_holds_none_of_its_bytes),
        cmocka_unit_test(truncated_buffer_keeps_its_front_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
