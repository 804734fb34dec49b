#include "agent/prompt_place.h"
#include "tests/unit/cmocka_all.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int terminal; /* its other side; the terminal lives as long */
static char terminal_name[64];

static int open_terminal(void **state)
{
    (void)state;
    terminal = posix_openpt(O_RDWR | O_NOCTTY);
    return terminal < 0 || grantpt(terminal) || unlockpt(terminal) ||
           ptsname_r(terminal, terminal_name, sizeof terminal_name);
}

static int close_terminal(void **state)
{
    (void)state;
    return close(terminal);
}

static struct pinentry_options said(const char *const lines[])
{
    struct pinentry_options options = { 0 };

    for (; *lines; lines++)
        assert_int_equal(pinentry_options_set(&options, *lines), 0);
    return options;
}

/* Where a prompt is, the client having said this. The caller frees. */
static struct pinentry_options place_of(const char *const lines[])
{
    struct pinentry_options options = said(lines);
    struct pinentry_options place = { 0 };

    assert_int_equal(prompt_place(&options, &place), 0);
    pinentry_options_free(&options);
    return place;
}

#define PLACE(...) place_of((const char *const[]){ __VA_ARGS__, NULL })

static void clear_own_session(void)
{
    static const char *const names[] = { "DISPLAY",    "WAYLAND_DISPLAY",
                                         "XAUTHORITY", "DBUS_SESSION_BUS_ADDRESS",
                                         "GPG_TTY",    "TERM" };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unsetenv(names[i]);
}

static void our_own_session_wins(void **state)
{
    struct pinentry_options place;

    (void)state;
    clear_own_session();
    setenv("DISPLAY", ":1", 1);
    setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/run/user/1/bus", 1);
    place = PLACE("display=:9", "putenv=DBUS_SESSION_BUS_ADDRESS=unix:path=/sandbox",
                  "xauthority=/sandbox/xauth", "putenv=WAYLAND_DISPLAY=w-9",
                  "putenv=GTK_IM_MODULE=../evil", "pinentry-user-data=USE_CURSES=1");
    for (int i = 0; i < PINENTRY_OPTION_COUNT; i++) {
        if (i == PINENTRY_DISPLAY)
            assert_string_equal(place.values[i], ":1");
        else if (i == PINENTRY_DBUS_SESSION_BUS_ADDRESS)
            assert_string_equal(place.values[i], "unix:path=/run/user/1/bus");
        else if (i != PINENTRY_LC_CTYPE && i != PINENTRY_LC_MESSAGES)
            assert_null(place.values[i]);
    }
    pinentry_options_free(&place);
}

static void a_session_without_display_borrows_none(void **state)
{
    struct pinentry_options place;

    (void)state;
    clear_own_session();
    place = PLACE("display=:9", "putenv=WAYLAND_DISPLAY=w-9");
    assert_null(place.values[PINENTRY_DISPLAY]);
    assert_null(place.values[PINENTRY_WAYLAND_DISPLAY]);
    pinentry_options_free(&place);
}

static void the_clients_language_counts(void **state)
{
    struct pinentry_options place;

    (void)state;
    setenv("LC_MESSAGES", "C", 1);
    place = PLACE("lc-ctype=de_DE.UTF-8", "lc-messages=fr_FR.UTF-8");
    assert_string_equal(place.values[PINENTRY_LC_CTYPE], "de_DE.UTF-8");
    assert_string_equal(place.values[PINENTRY_LC_MESSAGES], "fr_FR.UTF-8");
    pinentry_options_free(&place);
    unsetenv("LC_MESSAGES");
}

static void the_clients_terminal_counts_when_it_is_ours(void **state)
{
    struct pinentry_options place;
    char line[80];

    (void)state;
    clear_own_session();
    setenv("GPG_TTY", "/dev/pts/own", 1);
    setenv("TERM", "own", 1);
    snprintf(line, sizeof line, "ttyname=%s", terminal_name);
    place = PLACE(line, "ttytype=xterm-256color");
    assert_string_equal(place.values[PINENTRY_TTYNAME], terminal_name);
    assert_string_equal(place.values[PINENTRY_TTYTYPE], "xterm-256color");
    pinentry_options_free(&place);
    place = PLACE(line, "ttytype=../../tmp/evil");
    assert_string_equal(place.values[PINENTRY_TTYTYPE], "own");
    pinentry_options_free(&place);
    place = PLACE("ttyname=/dev/null", "ttytype=xterm");
    assert_string_equal(place.values[PINENTRY_TTYNAME], "/dev/pts/own");
    assert_string_equal(place.values[PINENTRY_TTYTYPE], "own");
    pinentry_options_free(&place);
}

static void what_is_no_terminal_is_refused(void **state)
{
    static const char *const names[] = { "",
                                         "tty",
                                         "/dev/null",
                                         "/dev/zero",
                                         "/dev/pts",
                                         "/dev/stdin",
                                         "/dev/fd/0",
                                         "/proc/self/fd/0",
                                         "/etc/passwd",
                                         "/dev/",
                                         "/dev/shm",
                                         "/dev/pts/99999999",
                                         "/dev/pts/../null" };

    (void)state;
    assert_true(prompt_place_is_own_terminal(terminal_name));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (prompt_place_is_own_terminal(names[i]))
            fail_msg("%s", names[i]);
    }
}

static void no_link_leads_to_a_terminal(void **state)
{
    char folder[] = "/dev/shm/cardea-test-XXXXXX";
    char link[64], around[80];

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(link, sizeof link, "%s/tty", folder);
    assert_int_equal(symlink(terminal_name, link), 0);
    assert_false(prompt_place_is_own_terminal(link));
    unlink(link);
    assert_int_equal(symlink("/dev/pts", link), 0);
    snprintf(around, sizeof around, "%s/%s", link, strrchr(terminal_name, '/') + 1);
    assert_int_equal(access(around, R_OK), 0);
    assert_false(prompt_place_is_own_terminal(around));
    unlink(link);
    rmdir(folder);
}

/* Only root can make a terminal another's; for others, one of root's will do. */
static void a_terminal_of_others_is_refused(void **state)
{
    (void)state;
    if (geteuid() == 0)
        assert_int_equal(chown(terminal_name, 65534, (gid_t)-1), 0);
    assert_false(prompt_place_is_own_terminal(geteuid() == 0 ? terminal_name : "/dev/tty"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(our_own_session_wins),
        cmocka_unit_test(a_session_without_display_borrows_none),
        cmocka_unit_test(the_clients_language_counts),
        cmocka_unit_test_setup_teardown(the_clients_terminal_counts_when_it_is_ours, open_terminal,
                                        close_terminal),
        cmocka_unit_test_setup_teardown(what_is_no_terminal_is_refused, open_terminal,
                                        close_terminal),
        cmocka_unit_test_setup_teardown(no_link_leads_to_a_terminal, open_terminal, close_terminal),
        cmocka_unit_test_setup_teardown(a_terminal_of_others_is_refused, open_terminal,
                                        close_terminal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
