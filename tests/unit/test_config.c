#include "agent/config.h"
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/cardea-test-XXXXXX";

static void expect_parsed(struct agent_config *config, const char *text)
{
    char error[CONFIG_ERROR_SIZE] = "";

    assert_int_equal(config_defaults(config), 0);
    if (config_parse(config, "f", view_of(text, strlen(text)), error))
        fail_msg("%s", error);
}

static void expect_error(const char *text, const char *expected)
{
    struct agent_config config = { 0 };
    char error[CONFIG_ERROR_SIZE] = "";

    assert_int_equal(config_defaults(&config), 0);
    assert_int_equal(gpg_err_code(config_parse(&config, "f", view_of(text, strlen(text)), error)),
                     GPG_ERR_SYNTAX);
    assert_string_equal(error, expected);
    config_free(&config);
}

static void there_are_defaults(void **state)
{
    struct agent_config config = { 0 };

    (void)state;
    expect_parsed(&config, "");
    assert_null(config.gnupghome);
    assert_null(config.pinentry);
    assert_null(config.command);
    assert_int_equal(config.reader_count, 2);
    assert_string_equal(config.readers[0], "pcsc");
    assert_string_equal(config.readers[1], "usb:spare");
    assert_int_equal(config.log_level, LOG_LEVEL_WARNING);
    assert_true(config.notifications);
    assert_int_equal(config.pinentry_timeout, 60);
    assert_true(config.allow_loopback_pinentry);
    assert_true(config.keypad);
    assert_int_equal(config.keypad_pin_length, 0);
    assert_int_equal(config.pin_cache_ttl, 600);
    assert_int_equal(config.session_key_cache, 0);
    assert_int_equal(config.pin_cache_max_ttl, 7200);
    assert_int_equal(config.max_connections, 256);
    assert_null(config.state_directory);
    config_free(&config);
    assert_null(config.readers);
    config_free(NULL);
}

static void a_file_sets_everything(void **state)
{
    struct agent_config config = { 0 };

    (void)state;
    expect_parsed(&config, "# ours\n"
                           "[agent]\n"
                           "gnupghome = ~/keys ; the other ones\r\n"
                           "reader = pcsc:Yubico\n"
                           "  reader = pcsc:Nitrokey 3\n"
                           "log-level: debug\n"
                           "max-connections=10\n"
                           "state-directory = /var/lib/cardea\n"
                           "session-key-cache = 90\n"
                           "notifications = no\n"
                           "\n"
                           "[pinentry]\n"
                           "program = /usr/bin/pinentry-gnome3\n"
                           "timeout = 30\n"
                           "loopback = no\n"
                           "keypad = no\n"
                           "keypad-pin-length = 8\n"
                           "[pin-cache]\n"
                           "ttl = 0\n"
                           "max-ttl = 60");
    assert_string_equal(config.gnupghome, "~/keys");
    assert_int_equal(config.reader_count, 2);
    assert_string_equal(config.readers[0], "pcsc:Yubico");
    assert_string_equal(config.readers[1], "pcsc:Nitrokey 3");
    assert_int_equal(config.log_level, LOG_LEVEL_DEBUG);
    assert_int_equal(config.max_connections, 10);
    assert_string_equal(config.state_directory, "/var/lib/cardea");
    assert_string_equal(config.pinentry, "/usr/bin/pinentry-gnome3");
    assert_false(config.notifications);
    assert_int_equal(config.pinentry_timeout, 30);
    assert_false(config.allow_loopback_pinentry);
    assert_false(config.keypad);
    assert_int_equal(config.keypad_pin_length, 8);
    assert_int_equal(config.pin_cache_ttl, 0);
    assert_int_equal(config.session_key_cache, 90);
    assert_int_equal(config.pin_cache_max_ttl, 60);
    config_free(&config);
}

static void errors_name_file_line_and_what_was_expected(void **state)
{
    (void)state;
    expect_error("[agent]\n\nlog-level = loud\n",
                 "f:3: log-level = loud: expected error, warning, info or debug");
    expect_error("[agent]\nspeed = 9\n", "f:2: unknown setting \"speed\"; section [agent] has "
                                         "gnupghome, reader, log-level, max-connections, "
                                         "state-directory, session-key-cache, notifications");
    expect_error("[reader]\n",
                 "f:1: unknown section [reader]; there are [agent], [pinentry], [pin-cache]");
    expect_error("reader = pcsc\n", "f:1: \"reader\" stands before the first section; there are "
                                    "[agent], [pinentry], [pin-cache]");
    expect_error("[agent]\n[pinentry\n",
                 "f:2: expected NAME = VALUE, [SECTION], or a comment that begins with #");
}

static void every_value_is_checked(void **state)
{
    static const char reader[] = "expected pcsc, pcsc:NAME, usb, usb:VID:PID, usb:spare, "
                                 "socket:PATH or socket:HOST:PORT";
    static const char *const bad_readers[] = {
        "", "PCSC", "pcsc:", "usb:", "socket:", "socket", "pcscd", "usb2",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad_readers / sizeof bad_readers[0]; i++) {
        char text[64];
        char expected[160];

        snprintf(text, sizeof text, "[agent]\nreader = %s\n", bad_readers[i]);
        snprintf(expected, sizeof expected, "f:2: reader = %s: %s", bad_readers[i], reader);
        expect_error(text, expected);
    }
    expect_error("[agent]\nmax-connections = 0\n",
                 "f:2: max-connections = 0: expected a number from 1 to 10000");
    expect_error("[agent]\nsession-key-cache = forever\n",
                 "f:2: session-key-cache = forever: expected seconds, from 0 (none is remembered) "
                 "to 2592000");
    expect_error("[agent]\nmax-connections = 1x\n",
                 "f:2: max-connections = 1x: expected a number from 1 to 10000");
    expect_error("[agent]\nstate-directory = here\n",
                 "f:2: state-directory = here: expected an absolute path, or none");
    expect_error("[agent]\ngnupghome =\n", "f:2: gnupghome = : expected a directory");
    expect_error("[pinentry]\nprogram = bin/pinentry\n",
                 "f:2: program = bin/pinentry: expected an absolute path, or the name of a program "
                 "in /usr/bin");
    expect_error("[pinentry]\nloopback = true\n", "f:2: loopback = true: expected yes or no");
    expect_error("[pinentry]\ntimeout = 99999999999999999999\n",
                 "f:2: timeout = 99999999999999999999: expected seconds, from 1 to 3600");
    expect_error("[pin-cache]\nttl = -1\n",
                 "f:2: ttl = -1: expected seconds, from 0 (no cache) to 2592000");
}

static void what_is_no_setting_is_refused(void **state)
{
    static const char too_long[] = "f:2: the line is longer than ";
    struct agent_config config = { 0 };
    char error[CONFIG_ERROR_SIZE];
    char text[4096] = "[agent]\n";

    (void)state;
    expect_error("[agent]\nhello\n",
                 "f:2: expected NAME = VALUE, [SECTION], or a comment that begins with #");
    expect_error("[agent]\nhello\nlog-level = loud\n",
                 "f:2: expected NAME = VALUE, [SECTION], or a comment that begins with #");
    expect_error("[agent]\nreader = \x01\n", "f:2: the line holds bytes that are no text");
    expect_error("[agent]\nlog-level = \xff\n",
                 "f:2: log-level = ?: expected error, warning, info or debug");

    memset(text + 8, 'x', sizeof text - 8);
    assert_int_equal(gpg_err_code(config_parse(&config, "f", view_of(text, sizeof text), error)),
                     GPG_ERR_SYNTAX);
    assert_memory_equal(error, too_long, sizeof too_long - 1);
    assert_int_equal(gpg_err_code(config_parse(&config, "f", view_of("[agent]\n\0\n", 10), error)),
                     GPG_ERR_SYNTAX);
    assert_string_equal(error, "f:2: the line holds bytes that are no text");
    config_free(&config);
}

static int load(struct agent_config *config, const char *const argv[])
{
    char *copies[16] = { NULL };
    int argc = 0;
    int status;

    config_free(config);
    for (; argv[argc]; argc++)
        copies[argc] = strdup(argv[argc]);
    status = config_load(config, argc, copies);
    /* The command is borrowed from argv. */
    if (config->command)
        assert_string_equal(config->command[0], "gpg");
    for (int i = 0; i < argc; i++)
        free(copies[i]);
    return status;
}

#define LOAD(config, ...) load(config, (const char *const[]){ "cardea-agent", __VA_ARGS__, NULL })

static void the_command_line_has_the_last_word(void **state)
{
    struct agent_config config = { 0 };
    char path[64];
    FILE *out;

    (void)state;
    snprintf(path, sizeof path, "%s/a.conf", folder);
    out = fopen(path, "w");
    fputs("[agent]\nreader = pcsc:Z\nreader = pcsc:X\nlog-level = info\ngnupghome = /a\n", out);
    fclose(out);
    assert_int_equal(LOAD(&config, "--reader", "socket:/x", "--config", path, "--reader=pcsc",
                          "--gnupghome", "/b", "--", "gpg", "-d"),
                     CONFIG_RUN);
    assert_int_equal(config.reader_count, 2);
    assert_string_equal(config.readers[0], "socket:/x");
    assert_string_equal(config.readers[1], "pcsc");
    assert_string_equal(config.gnupghome, "/b");
    assert_int_equal(config.log_level, LOG_LEVEL_INFO);
    assert_non_null(config.command);
    config_free(&config);
}

static void the_file_in_its_place_is_read(void **state)
{
    struct agent_config config = { 0 };
    char path[64];
    FILE *out;

    (void)state;
    assert_int_equal(LOAD(&config, "--log-level", "info"), CONFIG_RUN);
    assert_int_equal(config.max_connections, 256);
    snprintf(path, sizeof path, "%s/cardea", folder);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/cardea/agent.conf", folder);
    out = fopen(path, "w");
    fputs("[agent]\nmax-connections = 7\n", out);
    fclose(out);
    assert_int_equal(LOAD(&config, "--log-level", "info"), CONFIG_RUN);
    assert_int_equal(config.max_connections, 7);
    config_free(&config);
}

static void wrong_usage_ends_with_two(void **state)
{
    struct agent_config config = { 0 };

    (void)state;
    assert_int_equal(LOAD(&config, "--frobnicate"), 2);
    assert_int_equal(LOAD(&config, "-xy"), 2);
    assert_int_equal(LOAD(&config, "--reader"), 2);
    assert_int_equal(LOAD(&config, "--reader", "floppy"), 2);
    assert_int_equal(LOAD(&config, "--pinentry", "./x"), 2);
    assert_int_equal(LOAD(&config, "--log-level", "loud"), 2);
    assert_int_equal(LOAD(&config, "gpg"), 2);
    assert_int_equal(LOAD(&config, "--"), 2);
    assert_int_equal(LOAD(&config, "--help=x"), 2);
    assert_int_equal(LOAD(&config, "--config", "/nonexistent"), 2);
    assert_int_equal(LOAD(&config, "--config", folder), 2);
    config_free(&config);
}

static void help_and_version_end_with_zero(void **state)
{
    struct agent_config config = { 0 };

    (void)state;
    assert_int_equal(LOAD(&config, "--help", "--frobnicate"), 0);
    assert_int_equal(LOAD(&config, "--version"), 0);
    config_free(&config);
}

static int start(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    return setenv("XDG_CONFIG_HOME", folder, 1);
}

static int clean(void **state)
{
    char path[64];

    (void)state;
    snprintf(path, sizeof path, "%s/a.conf", folder);
    unlink(path);
    snprintf(path, sizeof path, "%s/cardea/agent.conf", folder);
    unlink(path);
    snprintf(path, sizeof path, "%s/cardea", folder);
    rmdir(path);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_are_defaults),
        cmocka_unit_test(a_file_sets_everything),
        cmocka_unit_test(errors_name_file_line_and_what_was_expected),
        cmocka_unit_test(every_value_is_checked),
        cmocka_unit_test(what_is_no_setting_is_refused),
        cmocka_unit_test(the_command_line_has_the_last_word),
        cmocka_unit_test(the_file_in_its_place_is_read),
        cmocka_unit_test(wrong_usage_ends_with_two),
        cmocka_unit_test(help_and_version_end_with_zero),
    };

    return cmocka_run_group_tests(tests, start, clean);
}
