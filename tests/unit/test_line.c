#include "agent/line.h"
#include "tests/unit/hex.h"

static bool has(const char *line, const char *option)
{
    return line_option(line, option, NULL);
}

static void options_stand_at_the_front(void **state)
{
    (void)state;
    assert_true(has("--kem", "--kem"));
    assert_true(has("  --kem  ", "--kem"));
    assert_true(has("--kem=PGP", "--kem"));
    assert_true(has("--data --kem foo", "--kem"));
    assert_true(has("--data\t--kem", "--kem"));
    assert_false(has("foo --kem", "--kem"));
    assert_false(has("-- --kem", "--kem"));
    assert_false(has("--data -- --kem", "--kem"));
    assert_false(has("", "--kem"));
    assert_false(has("   ", "--kem"));
    assert_false(has("-", "--kem"));
}

static void options_match_whole(void **state)
{
    (void)state;
    assert_false(has("--kemal", "--kem"));
    assert_false(has("--ke", "--kem"));
    assert_false(has("--kem-foo=1", "--kem"));
    assert_false(has("--KEM", "--kem"));
    assert_false(has("--list", "--list-all"));
    assert_false(has("--list-all", "--list"));
}

static void option_value_begins_behind_the_sign(void **state)
{
    const char *value = "untouched";

    (void)state;
    assert_false(line_option("foo", "--kem", &value));
    assert_string_equal(value, "untouched");
    assert_true(line_option("--kem", "--kem", &value));
    assert_string_equal(value, "");
    assert_true(line_option("--kem=", "--kem", &value));
    assert_string_equal(value, "");
    assert_true(line_option("--kem PGP", "--kem", &value));
    assert_string_equal(value, "");
    assert_true(line_option("--kem=PGP", "--kem", &value));
    assert_string_equal(value, "PGP");
    assert_true(line_option("--a --kem=PGP --b c", "--kem", &value));
    assert_int_equal(strncmp(value, "PGP --b", 7), 0);
    assert_true(line_option("--kem=A --kem=B", "--kem", &value));
    assert_int_equal(strncmp(value, "A ", 2), 0);
}

static void arguments_follow_the_options(void **state)
{
    (void)state;
    assert_string_equal(line_arguments(""), "");
    assert_string_equal(line_arguments("foo bar"), "foo bar");
    assert_string_equal(line_arguments("  foo"), "foo");
    assert_string_equal(line_arguments("--a --b=c foo --d"), "foo --d");
    assert_string_equal(line_arguments("--a -- --b"), "--b");
    assert_string_equal(line_arguments("--a"), "");
    assert_string_equal(line_arguments("--a --"), "");
    assert_string_equal(line_arguments("-- -- a"), "-- a");
    assert_string_equal(line_arguments("-a"), "-a");
}

static void words_come_one_by_one(void **state)
{
    const char *line = "  one\ttwo  three ";
    struct view word;

    (void)state;
    assert_true(line_next_word(&line, &word));
    assert_true(view_equal(word, view_of("one", 3)));
    assert_true(line_next_word(&line, &word));
    assert_true(view_equal(word, view_of("two", 3)));
    assert_true(line_next_word(&line, &word));
    assert_true(view_equal(word, view_of("three", 5)));
    assert_false(line_next_word(&line, &word));
    assert_true(view_equal(word, view_of("three", 5)));
    assert_string_equal(line, " ");
}

static bool keygrip(const char *digits, uint8_t out[KEYGRIP_LEN])
{
    return line_keygrip(view_of(digits, strlen(digits)), out);
}

static void keygrips_are_forty_digits(void **state)
{
    uint8_t out[KEYGRIP_LEN];

    (void)state;
    assert_true(keygrip("a006BFB51B9B3EAB8D5C79473FC54327D5752B7C", out));
    assert_octets(view_of(out, sizeof out), "A006BFB51B9B3EAB8D5C79473FC54327D5752B7C");
    assert_false(keygrip("", out));
    assert_false(keygrip("B006BFB51B9B3EAB8D5C79473FC54327D5752B7", out));
    assert_false(keygrip("B006BFB51B9B3EAB8D5C79473FC54327D5752B", out));
    assert_false(keygrip("B006BFB51B9B3EAB8D5C79473FC54327D5752B7C0", out));
    assert_false(keygrip("B006BFB51B9B3EAB8D5C79473FC54327D5752B7C00", out));
    assert_false(keygrip("B006BFB51B9B3EAB8D5C79473FC54327D5752B7G", out));
    assert_false(keygrip(" B006BFB51B9B3EAB8D5C79473FC54327D5752B7", out));
    assert_false(keygrip("0xB006BFB51B9B3EAB8D5C79473FC54327D5752B", out));
    assert_octets(view_of(out, sizeof out), "A006BFB51B9B3EAB8D5C79473FC54327D5752B7C");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_stand_at_the_front),
        cmocka_unit_test(options_match_whole),
        cmocka_unit_test(option_value_begins_behind_the_sign),
        cmocka_unit_test(arguments_follow_the_options),
        cmocka_unit_test(words_come_one_by_one),
        cmocka_unit_test(keygrips_are_forty_digits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
