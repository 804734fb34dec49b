#include "base/text.h"
#include "tests/unit/cmocka_all.h"

#include <string.h>

static void hex_goes_both_ways(void **state)
{
    uint8_t bytes[4];
    char digits[9];
    size_t len;

    (void)state;
    assert_true(hex_decode("00ffA5c3", 8, bytes, sizeof bytes, &len));
    assert_int_equal(len, 4);
    assert_string_equal(hex_encode(view_of(bytes, len), digits), "00FFA5C3");
}

static void bad_hex_is_refused(void **state)
{
    uint8_t bytes[2];
    size_t len = 99;

    (void)state;
    assert_false(hex_decode("0", 1, bytes, sizeof bytes, &len));
    assert_false(hex_decode("0g", 2, bytes, sizeof bytes, &len));
    assert_false(hex_decode("001122", 6, bytes, sizeof bytes, &len));
    assert_int_equal(len, 99);
}

static void control_and_foreign_bytes_become_question_marks(void **state)
{
    char out[32];

    (void)state;
    assert_string_equal(text_escape(view_of("a\nb\x1b[0m\xe2\x80\xae", 10), out, sizeof out),
                        "a?b?[0m???");
}

static void long_text_is_cut_and_marked(void **state)
{
    char out[8];

    (void)state;
    assert_string_equal(text_escape(view_of("0123456789", 10), out, sizeof out), "0123...");
    assert_string_equal(text_escape(view_of("0123456", 7), out, sizeof out), "0123456");
}

static void numbers_are_whole_and_bounded(void **state)
{
    long value = -1;

    (void)state;
    assert_true(text_to_number("600", 0, 7200, &value));
    assert_int_equal(value, 600);
    assert_false(text_to_number("7201", 0, 7200, &value));
    assert_false(text_to_number("60s", 0, 7200, &value));
    assert_false(text_to_number("", 0, 7200, &value));
    assert_false(text_to_number(" 6", 0, 7200, &value));
    assert_false(text_to_number("99999999999999999999", 0, 7200, &value));
    assert_int_equal(value, 600);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hex_goes_both_ways),
        cmocka_unit_test(bad_hex_is_refused),
        cmocka_unit_test(control_and_foreign_bytes_become_question_marks),
        cmocka_unit_test(long_text_is_cut_and_marked),
        cmocka_unit_test(numbers_are_whole_and_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
