#include "agent/proc_text.h"
#include "tests/unit/cmocka_all.h"

#include <string.h>

static struct view text(const char *string)
{
    return view_of(string, strlen(string));
}

static void expect_stat(const char *line, const char *name, pid_t parent, bool leads)
{
    struct proc_stat stat;

    assert_true(proc_stat_parse(text(line), &stat));
    assert_string_equal(stat.name, name);
    assert_int_equal(stat.parent, parent);
    assert_int_equal(stat.leads_session, leads);
}

static void a_process_tells_its_name_and_parent(void **state)
{
    (void)state;
    expect_stat("4711 (gpg) S 4700 4699 4650 34816 4711 4194304 153 0\n", "gpg", 4700, false);
    expect_stat("4650 (bash) S 4649 4650 4650 34816 4711 0\n", "bash", 4649, true);
    expect_stat("1 (systemd) S 0 1 1 0 -1 4194560\n", "systemd", 0, true);
}

static void a_name_may_hold_anything(void **state)
{
    (void)state;
    expect_stat("5 (a b) S 1 (c) R 7 5 5 0\n", "a b) S 1 (c", 7, true);
    expect_stat("5 (tmux: server) S 7 6 6 0\n", "tmux: server", 7, false);
    expect_stat("5 () S 7 6 6 0\n", "", 7, false);
    expect_stat("5 ()))) S 7 6 6 0\n", ")))", 7, false);
    expect_stat("5 (\x1b[31m\xff) S 7 6 6 0\n", "?[31m?", 7, false);
    expect_stat("5 (0123456789012345678901234567890123456789) S 7 6 6 0\n",
                "01234567890123456789012345678...", 7, false);
}

static void what_is_no_stat_is_refused(void **state)
{
    static const char *const lines[] = {
        "",          "5",           "5 (gpg",         "5 gpg) S 1 1 1 ",
        "5 )gpg( S", "5 (gpg)",     "5 (gpg) S",      "5 (gpg) S x 1 1 0",
        "(gpg) S 1", "5 (gpg) S 1", "5 (gpg) S 1 2 x"
    };
    struct proc_stat stat;

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        assert_false(proc_stat_parse(text(lines[i]), &stat));
}

static void expect_cgroup(const char *lines, const char *application, enum proc_sandbox sandbox)
{
    struct proc_cgroup cgroup;

    memset(&cgroup, 'x', sizeof cgroup);
    proc_cgroup_parse(text(lines), &cgroup);
    assert_string_equal(cgroup.application, application);
    assert_int_equal(cgroup.sandbox, sandbox);
}

#define USER "0::/user.slice/user-1000.slice/user@1000.service/"

/* The examples of systemd.io/DESKTOP_ENVIRONMENTS, and its rules for names. */
static void a_desktop_names_applications(void **state)
{
    (void)state;
    expect_cgroup(USER "app.slice/app-gnome-org.gnome.Evince-12345.scope\n", "Evince",
                  SANDBOX_NONE);
    expect_cgroup(USER "app.slice/app-org.gnome.Evince@12345.service\n", "Evince", SANDBOX_NONE);
    expect_cgroup(USER "app.slice/app-KDE-org.kde.okular@12345.service\n", "okular", SANDBOX_NONE);
    expect_cgroup(USER "app.slice/app-org.kde.amarok.service\n", "amarok", SANDBOX_NONE);
    expect_cgroup(USER "app.slice/app-gnome-thunderbird-1234.scope\n", "thunderbird", SANDBOX_NONE);
    expect_cgroup(USER "app.slice/app-claws\\x2dmail-1234.scope\n", "claws-mail", SANDBOX_NONE);
    expect_cgroup(USER "app.slice/app-gnome-org.telegram.desktop-1.scope\n", "org.telegram",
                  SANDBOX_NONE);
    expect_cgroup(USER "app.slice/app-a.service/inner/deeper\n", "a", SANDBOX_NONE);
}

static void sandboxes_are_told(void **state)
{
    (void)state;
    expect_cgroup(USER "app.slice/app-flatpak-org.mozilla.Thunderbird-3822.scope\n", "Thunderbird",
                  SANDBOX_FLATPAK);
    expect_cgroup(USER "flatpak-org.mozilla.Thunderbird-3822.scope\n", "Thunderbird",
                  SANDBOX_FLATPAK);
    expect_cgroup(USER "app.slice/snap.thunderbird.thunderbird-0f9a-55aa.scope\n", "thunderbird",
                  SANDBOX_SNAP);
    expect_cgroup(USER "snap.thunderbird.thunderbird.0f9a-55aa.scope\n", "thunderbird",
                  SANDBOX_SNAP);
    expect_cgroup("0::/system.slice/docker-4f53cda18c2b.scope\n", "", SANDBOX_CONTAINER);
    expect_cgroup(USER "user.slice/libpod-4f53cda18c2b.scope/container\n", "", SANDBOX_CONTAINER);
    expect_cgroup("0::/lxc.payload.mail\n", "", SANDBOX_CONTAINER);
    expect_cgroup("3:cpu:/x\n1:name=systemd:/docker/4f53cda18c2b\n0::/\n", "", SANDBOX_CONTAINER);
}

static void what_names_nothing_is_silent(void **state)
{
    (void)state;
    expect_cgroup("", "", SANDBOX_NONE);
    expect_cgroup("\n\n:\n0\n", "", SANDBOX_NONE);
    expect_cgroup("0::/\n", "", SANDBOX_NONE);
    expect_cgroup("0::/user.slice/user-1000.slice/session-2.scope\n", "", SANDBOX_NONE);
    expect_cgroup(USER "app.slice/vte-spawn-5f1e.scope\n", "", SANDBOX_NONE);
    expect_cgroup(USER "app.slice/app-evil.slice\n", "", SANDBOX_NONE);
    expect_cgroup("4:cpu:/app-gnome-mutt-1.scope\n", "", SANDBOX_NONE);
}

static void names_are_made_harmless(void **state)
{
    (void)state;
    expect_cgroup("0::/app-a\\x1b\\x0a\\xff\\x00b-1.scope\n", "a????b", SANDBOX_NONE);
    expect_cgroup("0::/app-a\\x2-1.scope\n", "a\\x2", SANDBOX_NONE);
    expect_cgroup("0::/app-a\\xzz-1.scope\n", "a\\xzz", SANDBOX_NONE);
    expect_cgroup("0::/app-0123456789012345678901234567890123456789.service\n",
                  "0123456789012345678901234567890123456789", SANDBOX_NONE);
    expect_cgroup("0::/app-01234567890123456789012345678901234567890.service\n",
                  "0123456789012345678901234567890123456...", SANDBOX_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_process_tells_its_name_and_parent),
        cmocka_unit_test(a_name_may_hold_anything),
        cmocka_unit_test(what_is_no_stat_is_refused),
        cmocka_unit_test(a_desktop_names_applications),
        cmocka_unit_test(sandboxes_are_told),
        cmocka_unit_test(what_names_nothing_is_silent),
        cmocka_unit_test(names_are_made_harmless),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
