#include "base/gpg_home.h"
#include "base/secret.h"
#include "tests/unit/cmocka_all.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The agreement with gpg itself is tested in tests/interop/home-sockets. */

static void expect_home(const char *option, const char *expected)
{
    char *home = NULL;

    assert_int_equal(home_directory(option, &home), 0);
    assert_string_equal(home, expected);
    free(home);
}

static void the_option_wins_then_the_variable_then_home(void **state)
{
    (void)state;
    setenv("HOME", "/home/ann", 1);
    setenv("GNUPGHOME", "/var/keys/", 1);
    expect_home("/opt/keys", "/opt/keys");
    expect_home("", "/var/keys");
    expect_home(NULL, "/var/keys");
    setenv("GNUPGHOME", "", 1);
    expect_home(NULL, "/home/ann/.gnupg");
    unsetenv("GNUPGHOME");
    expect_home(NULL, "/home/ann/.gnupg");
}

static void a_home_is_made_absolute(void **state)
{
    (void)state;
    setenv("HOME", "/home/ann", 1);
    assert_int_equal(chdir("/tmp"), 0);
    expect_home("keys///", "/tmp/keys");
    expect_home("~/keys", "/home/ann/keys");
    expect_home("~", "/home/ann");
    expect_home("~root/keys", "/root/keys");
    expect_home("///", "/");
    assert_int_equal(chdir("/"), 0);
    expect_home("keys", "/keys");
}

static void an_unknown_user_has_no_home(void **state)
{
    char *home = NULL;

    (void)state;
    assert_int_equal(gpg_err_code(home_directory("~no-such-user/x", &home)), GPG_ERR_NOT_FOUND);
    assert_null(home);
}

static gpg_err_code_t parse(const char *file, char **path)
{
    *path = NULL;
    return gpg_err_code(home_parse_redirect(view_of(file, strlen(file)), path));
}

static void expect_redirect(const char *file, const char *expected)
{
    char *path;

    assert_int_equal(parse(file, &path), 0);
    assert_string_equal(path, expected);
    free(path);
}

static void redirects_are_read(void **state)
{
    (void)state;
    setenv("REDIRECT_TEST", "/run/x", 1);
    unsetenv("REDIRECT_NONE");
    expect_redirect("%Assuan%\nsocket=/run/y/S.gpg-agent\n", "/run/y/S.gpg-agent");
    expect_redirect("%Assuan%\nsocket=${REDIRECT_TEST}/S\n", "/run/x/S");
    expect_redirect("%Assuan%\nsocket=/a${REDIRECT_NONE}/b$c{d}${}\n", "/a/b$c{d}");
    expect_redirect("%Assuan%\nsocket=/a\nmore\n", "/a");
}

static void what_is_no_redirect_is_said_so(void **state)
{
    char *path;

    (void)state;
    assert_int_equal(parse("", &path), GPG_ERR_NOT_FOUND);
    assert_int_equal(parse("%Assuan%\n", &path), GPG_ERR_NOT_FOUND);
    assert_int_equal(parse("%assuan%\nsocket=/a\n", &path), GPG_ERR_NOT_FOUND);
    assert_int_equal(parse("some other file\n", &path), GPG_ERR_NOT_FOUND);
}

static void bad_redirects_are_refused(void **state)
{
    static char big[700];
    char *path;

    (void)state;
    assert_int_equal(parse("%Assuan%\nsocket=", &path), GPG_ERR_INV_VALUE);
    assert_int_equal(parse("%Assuan%\nsocket=\n", &path), GPG_ERR_INV_VALUE);
    assert_int_equal(parse("%Assuan%\nsocket=/a", &path), GPG_ERR_INV_VALUE);
    assert_int_equal(parse("%Assuan%\nsocket=${HOME\n", &path), GPG_ERR_INV_VALUE);
    assert_int_equal(parse("%Assuan%\nsocket=/a\rb\n", &path), GPG_ERR_INV_VALUE);
    assert_int_equal(parse("%Assuan%\nsocket=${REDIRECT_NONE}\n", &path), GPG_ERR_INV_VALUE);
    assert_null(path);

    memcpy(big, "%Assuan%\nsocket=", 16);
    memset(big + 16, 'x', 107);
    big[123] = '\n';
    expect_redirect(big, strndupa(big + 16, 107));
    memset(big + 16, 'x', 108);
    big[124] = '\n';
    assert_int_equal(parse(big, &path), GPG_ERR_TOO_LARGE);
    memset(big + 16, '\n', 600);
    assert_int_equal(parse(big, &path), GPG_ERR_TOO_LARGE);
}

static int start(void **state)
{
    (void)state;
    return secret_init_library() ? -1 : 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_option_wins_then_the_variable_then_home),
        cmocka_unit_test(a_home_is_made_absolute),
        cmocka_unit_test(an_unknown_user_has_no_home),
        cmocka_unit_test(redirects_are_read),
        cmocka_unit_test(what_is_no_redirect_is_said_so),
        cmocka_unit_test(bad_redirects_are_refused),
    };

    return cmocka_run_group_tests(tests, start, NULL);
}
