/* The pinentry client against tests/interop/fake_pinentry.c. Every test ends with no process and no
 * descriptor more than it began with. */
#include "agent/pinentry.h"
#include "base/deadline.h"
#include "base/log.h"
#include "tests/unit/cmocka_all.h"
#include "tests/unit/thread_sleep.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

static char log_path[] = "/tmp/cardea-test-XXXXXX";
static char state_path[sizeof log_path + 8];
static char go_path[sizeof log_path + 8]; /* for UNTIL */
static int fds_at_start;

static int count_fds(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int count = 0;

    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

/* NAME=value pairs for the fake, the last one NULL. */
static void fake_does(const char *const settings[])
{
    static const char *const names[] = { "MODE", "PIN", "DELAY_MS", "UNTIL", "LOG_ENV", "STATE" };
    char name[64];

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(name, sizeof name, "FAKE_PINENTRY_%s", names[i]);
        unsetenv(name);
    }
    for (; *settings; settings++) {
        const char *equals = strchr(*settings, '=');

        snprintf(name, sizeof name, "FAKE_PINENTRY_%.*s", (int)(equals - *settings), *settings);
        setenv(name, equals + 1, 1);
    }
}

#define FAKE_DOES(...) fake_does((const char *const[]){ __VA_ARGS__, NULL })

static int begin(void **state)
{
    (void)state;
    if (truncate(log_path, 0) < 0)
        return -1;
    unlink(state_path);
    unlink(go_path);
    fds_at_start = count_fds();
    FAKE_DOES("MODE=pin");
    return 0;
}

static int end(void **state)
{
    (void)state;
    assert_int_equal(count_fds(), fds_at_start);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
    return 0;
}

static struct pinentry_request request(int seconds)
{
    struct pinentry_request r = PINENTRY_REQUEST;

    r.program = FAKE_PINENTRY;
    r.timeout_seconds = seconds;
    r.pin_min = 6;
    r.pin_max = 127;
    return r;
}

static const char *shown(void)
{
    static char text[16384];
    FILE *file = fopen(log_path, "r");
    size_t len = fread(text, 1, sizeof text - 1, file);

    fclose(file);
    text[len] = '\0';
    return text;
}

/* Asks once for a PIN: the error, and that nothing came with it. */
static void expect_failure(gpg_err_code_t expected, int64_t within_ms)
{
    struct pinentry_request r = request(1);
    struct secret pin = { 0 };
    int64_t start = monotonic_ms();

    assert_int_equal(gpg_err_code(pinentry_get_pin(&r, &pin)), expected);
    assert_null(pin.data);
    assert_true(monotonic_ms() - start <= within_ms);
}

static void expect_pin(const char *expected)
{
    struct pinentry_request r = request(5);
    struct secret pin = { 0 };

    assert_int_equal(pinentry_get_pin(&r, &pin), 0);
    assert_true(secret_equal(secret_view(&pin), view_of(expected, strlen(expected))));
    secret_free(&pin);
}

static void a_pin_is_typed(void **state)
{
    (void)state;
    expect_pin("123456");
    FAKE_DOES("PIN=12%42256 \xc3\xa4\xc3\xb6");
    expect_pin("12B256");
}

static void the_human_sees_what_was_asked(void **state)
{
    struct pinentry_request r = request(5);
    struct pinentry_options options = { 0 };
    struct secret pin = { 0 };
    const char *seen;

    (void)state;
    FAKE_DOES("MODE=no-options", "LOG_ENV=DISPLAY WAYLAND_DISPLAY HOME");
    setenv("DISPLAY", ":1", 1);
    setenv("HOME", "/home/agent", 1);
    setenv("WAYLAND_DISPLAY", "w-1", 1);
    assert_int_equal(pinentry_options_set(&options, "lc-messages=de_DE.UTF-8"), 0);
    assert_int_equal(pinentry_options_set(&options, "display=:9"), 0);
    assert_int_equal(pinentry_options_set(&options, "putenv=WAYLAND_DISPLAY=w-9"), 0);
    r.options = &options;
    r.title = "Cardea";
    r.description = "Token 0006 12345678\n100% yours";
    r.prompt = "PIN:";
    r.error = "2 tries left";
    r.ok = "_OK";
    r.cancel = "_Cancel";
    r.owner_pid = 4711;
    r.owner_uid = 1000;
    assert_int_equal(pinentry_get_pin(&r, &pin), 0);
    secret_free(&pin);
    pinentry_options_free(&options);

    seen = shown();
    assert_non_null(strstr(seen, "ENV DISPLAY=:1\n"));
    assert_non_null(strstr(seen, "ENV WAYLAND_DISPLAY=w-1\n"));
    assert_non_null(strstr(seen, "ENV HOME=/home/agent\n"));
    assert_non_null(strstr(seen, "\nOPTION lc-messages=de_DE.UTF-8\n"));
    assert_non_null(strstr(seen, "\nOPTION owner=4711/1000 "));
    assert_non_null(strstr(seen, "\nSETTIMEOUT 5\n"));
    assert_non_null(strstr(seen, "\nSETTITLE Cardea\n"));
    assert_non_null(strstr(seen, "\nSETDESC Token 0006 12345678%0A100%25 yours\n"));
    assert_non_null(strstr(seen, "\nSETPROMPT PIN:\n"));
    assert_non_null(strstr(seen, "\nSETERROR 2 tries left\n"));
    assert_non_null(strstr(seen, "\nSETOK _OK\nSETCANCEL _Cancel\nGETPIN\nBYE\nEND\n"));
    assert_null(strstr(seen, "123456\n"));
}

static void a_long_description_is_shortened(void **state)
{
    struct pinentry_request r = request(5);
    char text[5000];

    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    r.description = text;
    assert_int_equal(pinentry_confirm(&r), 0);
    assert_non_null(strstr(shown(), "xxx...\nCONFIRM\n"));
}

static void confirm_and_message_take_what_the_human_decides(void **state)
{
    struct pinentry_request r = request(5);

    (void)state;
    assert_int_equal(pinentry_confirm(&r), 0);
    assert_int_equal(pinentry_message(&r), 0);
    assert_non_null(strstr(shown(), "\nMESSAGE\n"));
    FAKE_DOES("MODE=not-ok");
    assert_int_equal(gpg_err_code(pinentry_confirm(&r)), GPG_ERR_NOT_CONFIRMED);
    FAKE_DOES("MODE=cancel");
    assert_int_equal(gpg_err_code(pinentry_confirm(&r)), GPG_ERR_FULLY_CANCELED);
    FAKE_DOES("MODE=err-zero");
    assert_int_equal(gpg_err_code(pinentry_confirm(&r)), GPG_ERR_PIN_ENTRY);
    FAKE_DOES("MODE=timeout");
    assert_int_equal(gpg_err_code(pinentry_confirm(&r)), GPG_ERR_TIMEOUT);
}

static void a_pin_of_the_wrong_length_is_asked_for_again(void **state)
{
    (void)state;
    FAKE_DOES("PIN=123 12345 654321");
    expect_pin("654321");
    assert_non_null(strstr(shown(), "SETERROR This PIN has 6 to 127 characters.\nGETPIN\n"));
    FAKE_DOES("PIN=123");
    expect_failure(GPG_ERR_BAD_PIN, 1000);
    FAKE_DOES("MODE=empty-pin");
    expect_failure(GPG_ERR_BAD_PIN, 1000);
}

static void pins_go_on_from_process_to_process(void **state)
{
    char setting[64];

    (void)state;
    snprintf(setting, sizeof setting, "STATE=%s", state_path);
    FAKE_DOES("PIN=111111 222222", setting);
    expect_pin("111111");
    expect_pin("222222");
    expect_pin("222222");
}

static void a_human_can_cancel(void **state)
{
    (void)state;
    FAKE_DOES("MODE=cancel");
    expect_failure(GPG_ERR_FULLY_CANCELED, 1000);
    FAKE_DOES("MODE=not-ok");
    expect_failure(GPG_ERR_FULLY_CANCELED, 1000);
}

static void without_a_program_there_is_no_pinentry(void **state)
{
    static const char *const programs[] = { "/nonexistent/pinentry", "/etc/passwd", "/tmp",
                                            "no-such-pinentry",      "./pinentry",  "" };
    struct pinentry_request r = request(1);

    (void)state;
    for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++) {
        r.program = programs[i];
        assert_int_equal(gpg_err_code(pinentry_confirm(&r)), GPG_ERR_NO_PIN_ENTRY);
    }
    FAKE_DOES("MODE=die");
    expect_failure(GPG_ERR_NO_PIN_ENTRY, 1500);
}

static void nonsense_is_an_error(void **state)
{
    static const char *const modes[] = { "MODE=garbage",  "MODE=garbage-answer", "MODE=flood",
                                         "MODE=long-pin", "MODE=long-line",      "MODE=die-asked",
                                         "MODE=fail",     "MODE=err-zero" };

    (void)state;
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        FAKE_DOES(modes[i]);
        expect_failure(GPG_ERR_PIN_ENTRY, 2000);
    }
}

static void a_hanging_pinentry_times_out(void **state)
{
    static const char *const modes[] = { "MODE=hang", "MODE=hang-greeting", "MODE=half-line",
                                         "MODE=ignore-term", "MODE=orphan" };

    (void)state;
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        FAKE_DOES(modes[i]);
        expect_failure(GPG_ERR_TIMEOUT, 2000);
    }
}

static void odd_but_lawful_answers_are_understood(void **state)
{
    (void)state;
    FAKE_DOES("MODE=split");
    expect_pin("123456");
    FAKE_DOES("MODE=inquire");
    expect_pin("123456");
    assert_non_null(strstr(shown(), "\nCAN\n"));
    FAKE_DOES("MODE=status");
    expect_pin("123456");
}

static void *fire_soon(void *fd)
{
    usleep(200 * 1000);
    eventfd_write(*(int *)fd, 1);
    return NULL;
}

/* The error of asking while fd of the request fires after 200 ms; it must come long before the
 * request's time is over. */
static gpg_error_t ask_and_fire(struct pinentry_request *r, int *fd, struct secret *pin)
{
    int64_t start = monotonic_ms();
    pthread_t thread;
    gpg_error_t err;

    *fd = eventfd(0, EFD_CLOEXEC);
    assert_int_equal(pthread_create(&thread, NULL, fire_soon, fd), 0);
    err = pin ? pinentry_get_pin(r, pin) : pinentry_confirm(r);
    assert_true(monotonic_ms() - start < 10000);
    pthread_join(thread, NULL);
    close(*fd);
    return err;
}

static void a_client_that_goes_takes_its_prompt_along(void **state)
{
    static const char *const modes[] = { "MODE=hang", "MODE=hang-greeting", "MODE=ignore-term" };
    struct secret pin = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        struct pinentry_request r = request(30);

        FAKE_DOES(modes[i]);
        assert_int_equal(gpg_err_code(ask_and_fire(&r, &r.cancel_fd, &pin)), GPG_ERR_CANCELED);
        assert_null(pin.data);
    }
}

static void what_was_waited_for_ends_the_prompt(void **state)
{
    struct pinentry_request r = request(30);
    struct secret pin = { 0 };

    (void)state;
    FAKE_DOES("MODE=hang");
    assert_int_equal(ask_and_fire(&r, &r.done_fd, NULL), 0);
    assert_int_equal(gpg_err_code(ask_and_fire(&r, &r.done_fd, &pin)), GPG_ERR_CANCELED);
}

struct asker {
    pthread_t thread;
    atomic_int tid;
    struct pinentry_request request;
    gpg_error_t err;
    int64_t took_ms;
};

static void *ask_in_thread(void *arg)
{
    struct asker *asker = arg;
    int64_t start = monotonic_ms();

    asker->tid = gettid();
    asker->err = pinentry_confirm(&asker->request);
    asker->took_ms = monotonic_ms() - start;
    return NULL;
}

/* Returns when it waits for its turn, or for its pinentry. */
static void start_asker(struct asker *asker)
{
    asker->tid = 0;
    assert_int_equal(pthread_create(&asker->thread, NULL, ask_in_thread, asker), 0);
    while (!asker->tid)
        usleep(1000);
    thread_await_sleep(asker->tid);
}

static void let_them_answer(void)
{
    FILE *file = fopen(go_path, "w");

    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
}

static void prompts_come_one_at_a_time_and_in_order(void **state)
{
    struct asker askers[6];
    char until[sizeof go_path + 8], expected[16];
    const char *seen;

    (void)state;
    snprintf(until, sizeof until, "UNTIL=%s", go_path);
    FAKE_DOES(until);
    for (int i = 0; i < 6; i++) {
        static char titles[6][8];

        snprintf(titles[i], sizeof titles[i], "t%d", i);
        askers[i].request = request(20);
        askers[i].request.title = titles[i];
        start_asker(&askers[i]);
    }
    let_them_answer();
    for (int i = 0; i < 6; i++) {
        pthread_join(askers[i].thread, NULL);
        assert_int_equal(askers[i].err, 0);
    }
    seen = shown();
    for (int i = 0; i < 6; i++) {
        snprintf(expected, sizeof expected, "SETTITLE t%d\n", i);
        seen = strstr(seen, expected);
        assert_non_null(seen);
        /* On a busy machine the fake is ended before it has said its END. */
        seen = strstr(seen, "CONFIRM\n");
        assert_non_null(seen);
    }
}

static void start_titled(struct asker *asker, const char *title, bool gives_way)
{
    asker->request = request(20);
    asker->request.title = title;
    asker->request.gives_way = gives_way;
    start_asker(asker);
}

static void wait_until_shown(const char *text, int times)
{
    int64_t end = monotonic_ms() + 10000;
    int seen;

    do {
        seen = 0;
        for (const char *at = strstr(shown(), text); at; at = strstr(at + 1, text))
            seen++;
        usleep(1000);
        assert_true(monotonic_ms() < end);
    } while (seen < times);
}

/* What the fakes to come do: threads that start them read the environment meanwhile. */
static void write_control(const char *path, const char *settings)
{
    char new_path[128];
    FILE *file;

    snprintf(new_path, sizeof new_path, "%s.new", path);
    file = fopen(new_path, "w");
    assert_non_null(file);
    assert_true(fputs(settings, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(rename(new_path, path), 0);
}

/* First come those that do not give way, in their order; then the others, in theirs, the one that
 * was taken away being shown again. */
static void a_prompt_gives_way_and_comes_back(void **state)
{
    struct asker first, second, urgent[2];
    char control[sizeof state_path + 8], settings[sizeof go_path + 32];
    const char *seen;

    (void)state;
    snprintf(control, sizeof control, "%s.control", state_path);
    setenv("FAKE_PINENTRY_CONTROL", control, 1);
    write_control(control, "MODE=hang\n");
    start_titled(&first, "first", true);
    wait_until_shown("SETTITLE first\n", 1);
    wait_until_shown("CONFIRM\n", 1);
    start_titled(&second, "second", true);
    snprintf(settings, sizeof settings, "MODE=pin\nUNTIL=%s\n", go_path);
    write_control(control, settings);
    start_titled(&urgent[0], "urgent", false);
    wait_until_shown("SETTITLE urgent\n", 1);
    start_titled(&urgent[1], "next", false);
    let_them_answer();
    for (int i = 0; i < 2; i++) {
        pthread_join(urgent[i].thread, NULL);
        assert_int_equal(urgent[i].err, 0);
    }
    pthread_join(first.thread, NULL);
    pthread_join(second.thread, NULL);
    assert_int_equal(first.err, 0);
    assert_int_equal(second.err, 0);
    unsetenv("FAKE_PINENTRY_CONTROL");
    unlink(control);
    seen = shown();
    for (size_t i = 0; i < 5; i++) {
        static const char *const order[] = { "first", "urgent", "next", "second", "first" };
        char expected[32];

        snprintf(expected, sizeof expected, "SETTITLE %s\n", order[i]);
        seen = strstr(seen, expected);
        assert_non_null(seen);
    }
}

static void who_waits_for_a_turn_can_leave(void **state)
{
    struct asker askers[3];
    int fd = eventfd(0, EFD_CLOEXEC);

    (void)state;
    FAKE_DOES("MODE=hang");
    for (int i = 0; i < 3; i++)
        askers[i].request = request(4);
    askers[1].request.cancel_fd = fd;
    askers[2].request.timeout_seconds = 1;
    for (int i = 0; i < 3; i++)
        start_asker(&askers[i]);
    eventfd_write(fd, 1);
    for (int i = 0; i < 3; i++)
        pthread_join(askers[i].thread, NULL);
    close(fd);
    assert_int_equal(gpg_err_code(askers[0].err), GPG_ERR_TIMEOUT);
    assert_int_equal(gpg_err_code(askers[1].err), GPG_ERR_CANCELED);
    assert_true(askers[1].took_ms < 3000);
    assert_int_equal(gpg_err_code(askers[2].err), GPG_ERR_TIMEOUT);
    assert_true(askers[2].took_ms < 3000);
    FAKE_DOES("MODE=pin");
    expect_pin("123456");
}

static int start_all(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    log_init("test", LOG_LEVEL_ERROR);
    close(mkstemp(log_path));
    snprintf(state_path, sizeof state_path, "%s.state", log_path);
    snprintf(go_path, sizeof go_path, "%s.go", log_path);
    setenv("FAKE_PINENTRY_LOG", log_path, 1);
    return secret_init_library() ? -1 : 0;
}

static int end_all(void **state)
{
    (void)state;
    unlink(log_path);
    unlink(state_path);
    unlink(go_path);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_pin_is_typed),
        TEST(the_human_sees_what_was_asked),
        TEST(a_long_description_is_shortened),
        TEST(confirm_and_message_take_what_the_human_decides),
        TEST(a_pin_of_the_wrong_length_is_asked_for_again),
        TEST(pins_go_on_from_process_to_process),
        TEST(a_human_can_cancel),
        TEST(without_a_program_there_is_no_pinentry),
        TEST(nonsense_is_an_error),
        TEST(a_hanging_pinentry_times_out),
        TEST(odd_but_lawful_answers_are_understood),
        TEST(a_client_that_goes_takes_its_prompt_along),
        TEST(what_was_waited_for_ends_the_prompt),
        TEST(prompts_come_one_at_a_time_and_in_order),
        TEST(a_prompt_gives_way_and_comes_back),
        TEST(who_waits_for_a_turn_can_leave),
    };

    return cmocka_run_group_tests(tests, start_all, end_all);
}
