#include "agent/pinentry_dialogue.h"
#include "tests/unit/cmocka_all.h"

#include <string.h>

static void check(const char *text, const char *expected)
{
    char out[256];

    assert_string_equal(pinentry_escape(text, out, sizeof out), expected);
}

static void what_a_line_may_hold_stays(void **state)
{
    (void)state;
    check("", "");
    check("Touch the token", "Touch the token");
    check("Schl\xc3\xbcssel \xe2\x82\xac \xf0\x9f\x94\x91",
          "Schl\xc3\xbcssel \xe2\x82\xac \xf0\x9f\x94\x91");
}

static void line_feeds_and_percents_are_escaped(void **state)
{
    (void)state;
    check("one\ntwo 100% %0A", "one%0Atwo 100%25 %250A");
}

static void what_could_mislead_becomes_a_question_mark(void **state)
{
    (void)state;
    check("a\rb\tc\x1b[2J\x7f", "a?b?c?[2J?");
    check("\xc2\x85 \xe2\x80\xae \xe2\x81\xa6 \xe2\x80\x8f.", "? ? ? ?.");
    /* no UTF-8: stray, overlong, surrogate, too high, cut */
    check("\x80 \xc0\xaf \xed\xa0\x80 \xf4\x90\x80\x80 \xe2\x82", "? ?? ??? ???? ??");
}

static void long_text_is_cut_at_a_character(void **state)
{
    char out[16];

    (void)state;
    assert_string_equal(pinentry_escape("123456789012345", out, 16), "123456789012345");
    assert_string_equal(pinentry_escape("1234567890123456", out, 16), "123456789012...");
    assert_string_equal(pinentry_escape("12345678901%%%", out, 16), "12345678901...");
    assert_string_equal(pinentry_escape("12345678901\xe2\x82\xac\xe2\x82\xac", out, 16),
                        "12345678901...");
}

static void any_length_fits(void **state)
{
    char text[400];
    char out[300];

    (void)state;
    for (size_t len = 0; len < sizeof text; len++) {
        for (size_t i = 0; i < len; i++)
            text[i] = i % 3 ? 'x' : '%';
        text[len] = '\0';
        for (size_t size = 16; size < 40; size++) {
            memset(out, 0x55, sizeof out);
            pinentry_escape(text, out, size);
            assert_true(strlen(out) < size);
            assert_int_equal(out[size], 0x55);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_line_may_hold_stays),
        cmocka_unit_test(line_feeds_and_percents_are_escaped),
        cmocka_unit_test(what_could_mislead_becomes_a_question_mark),
        cmocka_unit_test(long_text_is_cut_at_a_character),
        cmocka_unit_test(any_length_fits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
