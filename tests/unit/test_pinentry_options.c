#include "agent/pinentry_options.h"
#include "tests/unit/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

static void the_forms_of_gpg_are_read(void **state)
{
    struct pinentry_options options = { 0 };

    (void)state;
    assert_int_equal(pinentry_options_set(&options, "ttyname=/dev/pts/3"), 0);
    assert_int_equal(pinentry_options_set(&options, "lc-ctype de_DE.UTF-8"), 0);
    assert_int_equal(pinentry_options_set(&options, "putenv=WAYLAND_DISPLAY=wayland-0"), 0);
    assert_string_equal(options.values[PINENTRY_TTYNAME], "/dev/pts/3");
    assert_string_equal(options.values[PINENTRY_LC_CTYPE], "de_DE.UTF-8");
    assert_string_equal(options.values[PINENTRY_WAYLAND_DISPLAY], "wayland-0");
    pinentry_options_free(&options);
    assert_null(options.values[PINENTRY_TTYNAME]);
    pinentry_options_free(NULL);
}

static void an_empty_value_takes_it_back(void **state)
{
    struct pinentry_options options = { 0 };

    (void)state;
    assert_int_equal(pinentry_options_set(&options, "display=:0"), 0);
    assert_int_equal(pinentry_options_set(&options, "putenv=DISPLAY="), 0);
    assert_null(options.values[PINENTRY_DISPLAY]);
    assert_int_equal(pinentry_options_set(&options, "display"), 0);
}

static void what_is_not_on_the_list_is_refused(void **state)
{
    static const char *const names[] = {
        "",
        "=",
        "putenv=",
        "putenv",
        "putenv=LD_PRELOAD=/tmp/x.so",
        "putenv=PATH=/tmp",
        "PATH=/tmp",
        "pinentry-program=/tmp/x",
        "putenv=QT_PLUGIN_PATH=/tmp",
        "putenv=ttyname=x",
        "TTYNAME=x",
        "ttyname2=x",
        "ttynam=x",
        "WAYLAND_DISPLAY=x",
    };
    struct pinentry_options options = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_int_equal(gpg_err_code(pinentry_options_set(&options, names[i])),
                         GPG_ERR_UNKNOWN_OPTION);
}

static void bad_values_leave_the_old_one(void **state)
{
    struct pinentry_options options = { 0 };
    char text[600] = "display=";

    (void)state;
    assert_int_equal(pinentry_options_set(&options, "display=:1"), 0);
    assert_int_equal(gpg_err_code(pinentry_options_set(&options, "display=:1\nGETPIN")),
                     GPG_ERR_INV_VALUE);
    assert_int_equal(gpg_err_code(pinentry_options_set(&options, "display=\x7f")),
                     GPG_ERR_INV_VALUE);
    memset(text + 8, 'x', 512);
    assert_int_equal(pinentry_options_set(&options, text), 0);
    memset(text + 8, 'y', 513);
    assert_int_equal(gpg_err_code(pinentry_options_set(&options, text)), GPG_ERR_TOO_LARGE);
    assert_int_equal(options.values[PINENTRY_DISPLAY][0], 'x');
    pinentry_options_free(&options);
}

static void the_environment_fills_the_gaps(void **state)
{
    struct pinentry_options options = { 0 };
    struct pinentry_options copy = { 0 };

    (void)state;
    setenv("DISPLAY", ":7", 1);
    setenv("GPG_TTY", "/dev/pts/9", 1);
    setenv("XMODIFIERS", "bad\001", 1);
    assert_int_equal(pinentry_options_set(&options, "display=:1"), 0);
    assert_int_equal(pinentry_options_add_environment(&options), 0);
    assert_string_equal(options.values[PINENTRY_DISPLAY], ":1");
    assert_string_equal(options.values[PINENTRY_TTYNAME], "/dev/pts/9");
    assert_null(options.values[PINENTRY_XMODIFIERS]);

    assert_int_equal(pinentry_options_copy(&copy, &options, PINENTRY_DISPLAY), 0);
    assert_int_equal(pinentry_options_copy(&copy, &options, PINENTRY_XMODIFIERS), 0);
    pinentry_options_free(&options);
    assert_string_equal(copy.values[PINENTRY_DISPLAY], ":1");
    assert_null(copy.values[PINENTRY_TTYNAME]);
    assert_null(copy.values[PINENTRY_XMODIFIERS]);
    pinentry_options_free(&copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_forms_of_gpg_are_read),
        cmocka_unit_test(an_empty_value_takes_it_back),
        cmocka_unit_test(what_is_not_on_the_list_is_refused),
        cmocka_unit_test(bad_values_leave_the_old_one),
        cmocka_unit_test(the_environment_fills_the_gaps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
