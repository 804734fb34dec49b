/* cardea-token as a program: this test is the reader that it attaches to. */
#include "base/deadline.h"
#include "tests/token/exchange.h"

#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_MS   10000
#define ARGUMENTS_MAX 24

struct world {
    char folder[64];
    char reader[96], state[96], trace[96], control[96], errors[96];
    int listener;
    int card; /* connection of the card, -1 without */
    pid_t program;
};

static int listen_at(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 4), 0);
    return fd;
}

static int world_make(void **state)
{
    struct world *w = calloc(1, sizeof *w);

    assert_non_null(w);
    snprintf(w->folder, sizeof w->folder, "/tmp/cardea-token-test.XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    snprintf(w->reader, sizeof w->reader, "%s/reader", w->folder);
    snprintf(w->state, sizeof w->state, "%s/state", w->folder);
    snprintf(w->trace, sizeof w->trace, "%s/trace", w->folder);
    snprintf(w->control, sizeof w->control, "%s/control", w->folder);
    snprintf(w->errors, sizeof w->errors, "%s/errors", w->folder);
    w->listener = listen_at(w->reader);
    w->card = -1;
    w->program = -1;
    *state = w;
    return 0;
}

static void run_program(struct world *w, const char *const *arguments)
{
    const char *argv[ARGUMENTS_MAX + 2] = { CARDEA_TOKEN };

    for (size_t i = 0; i < ARGUMENTS_MAX && arguments[i]; i++)
        argv[i + 1] = arguments[i];
    w->program = fork();
    assert_true(w->program >= 0);
    if (w->program > 0)
        return;
    if (!freopen(w->errors, "w", stderr) || !freopen("/dev/null", "w", stdout))
        _exit(99);
    execv(CARDEA_TOKEN, (char *const *)(uintptr_t)argv);
    _exit(98);
}

#define RUN(w, ...) run_program(w, (const char *const[]){ __VA_ARGS__, NULL })

static int exit_code(struct world *w)
{
    int status;

    for (int i = 0; i < PATIENCE_MS; i++) {
        pid_t pid = waitpid(w->program, &status, WNOHANG);

        if (pid == w->program) {
            w->program = -1;
            assert_true(WIFEXITED(status));
            return WEXITSTATUS(status);
        }
        usleep(1000);
    }
    fail_msg("the program does not end");
    return -1;
}

static int world_end(void **state)
{
    struct world *w = *state;

    if (w->program > 0) {
        kill(w->program, SIGTERM);
        assert_int_equal(exit_code(w), 0);
    }
    if (w->card >= 0)
        close(w->card);
    close(w->listener);
    unlink(w->reader);
    unlink(w->state);
    unlink(w->trace);
    unlink(w->control);
    unlink(w->errors);
    assert_int_equal(rmdir(w->folder), 0); /* nothing else was left there */
    free(w);
    return 0;
}

static bool readable(int fd, int ms)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };

    return poll(&p, 1, ms) == 1;
}

static void accept_card(struct world *w)
{
    assert_true(readable(w->listener, PATIENCE_MS));
    w->card = accept(w->listener, NULL, NULL);
    assert_true(w->card >= 0);
}

static void send_frame(struct world *w, const void *octets, size_t len)
{
    const uint8_t head[2] = { (uint8_t)(len >> 8), (uint8_t)len };

    assert_int_equal(send(w->card, head, 2, MSG_NOSIGNAL), 2);
    assert_int_equal(send(w->card, octets, len, MSG_NOSIGNAL), len);
}

static void receive(struct world *w, uint8_t *octets, size_t len)
{
    while (len) {
        ssize_t n;

        assert_true(readable(w->card, PATIENCE_MS));
        n = recv(w->card, octets, len, 0);
        assert_true(n > 0);
        octets += n;
        len -= (size_t)n;
    }
}

static size_t receive_frame(struct world *w, uint8_t octets[4096])
{
    uint8_t head[2];
    size_t len;

    receive(w, head, 2);
    len = (size_t)head[0] << 8 | head[1];
    assert_in_range(len, 1, 4096);
    receive(w, octets, len);
    return len;
}

static void transmit(struct world *w, const char *command)
{
    struct buffer octets = BUFFER(4096);

    exchange_append_hex(&octets, command);
    send_frame(w, octets.data, octets.len);
    buffer_free(&octets);
}

static void answers(struct world *w, const char *answer)
{
    struct buffer wanted = BUFFER(4096);
    uint8_t got[4096];

    exchange_append_hex(&wanted, answer);
    assert_int_equal(receive_frame(w, got), wanted.len);
    assert_memory_equal(got, wanted.data, wanted.len);
    buffer_free(&wanted);
}

static void ask(struct world *w, const char *command, const char *answer)
{
    transmit(w, command);
    answers(w, answer);
}

static void power_on(struct world *w)
{
    send_frame(w, "\x01", 1);
    ask(w, SELECT_OPENPGP, "9000");
}

static void connect_and_power(struct world *w)
{
    accept_card(w);
    power_on(w);
}

static void read_file(const char *path, char *text, size_t size)
{
    FILE *file = fopen(path, "r");
    size_t len;

    assert_non_null(file);
    len = fread(text, 1, size - 1, file);
    text[len] = '\0';
    fclose(file);
}

static void complains(struct world *w, const char *what)
{
    char text[4096];

    read_file(w->errors, text, sizeof text);
    if (!strstr(text, what))
        fail_msg("not said: %s, but: %s", what, text);
}

static size_t count_lines(const char *text, size_t len)
{
    size_t lines = 0;

    for (size_t i = 0; i < len; i++)
        lines += text[i] == '\n';
    return lines;
}

/* Commands to the control socket, a line each; their answers into text. */
static void control(struct world *w, const char *command, char text[256])
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    size_t len = 0;

    snprintf(address.sun_path, sizeof address.sun_path, "%s", w->control);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(send(fd, command, strlen(command), MSG_NOSIGNAL), strlen(command));
    while (count_lines(text, len) < count_lines(command, strlen(command))) {
        ssize_t n;

        assert_true(len < 255 && readable(fd, PATIENCE_MS));
        n = recv(fd, text + len, 255 - len, 0);
        assert_true(n > 0);
        len += (size_t)n;
    }
    text[len] = '\0';
    close(fd);
}

static void controls(struct world *w, const char *command, const char *answer)
{
    char line[256];

    control(w, command, line);
    assert_string_equal(line, answer);
}

static void status_becomes(struct world *w, const char *status)
{
    char line[256] = "";

    for (int i = 0; i < PATIENCE_MS && strcmp(line, status) != 0; i++) {
        control(w, "status\n", line);
        usleep(1000);
    }
    assert_string_equal(line, status);
}

static void wrong_usage_is_2(void **state)
{
    static const char *const wrong[][3] = {
        { "--nonsense", NULL, NULL },
        { "--state", NULL, NULL },
        { "--connect", "x:1", "extra" },
        { "--connect", "/x", "--serial=123456789" },
        { "--connect", "/x", "--touch=often" },
        { "--connect", "/x", "--uif=dec" },
        { "--connect", "/x", "--delay-ms=-1" },
        { "--connect", "/x", "--log=loud" },
        { "--connect", "/x", "--wait=0" },
        { "--connect", "/x", "--yubico-version=5" },
        { "--connect", "/x", "--manufacturer=10000" },
        { "--connect", "/x", "--profile=abacus" },
        { "--state", "/x", NULL },
    };
    struct world *w = *state;

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        RUN(w, wrong[i][0], wrong[i][1], wrong[i][2]);
        assert_int_equal(exit_code(w), 2);
        complains(w, "--help");
    }
}

static void help_and_version_are_0(void **state)
{
    struct world *w = *state;

    RUN(w, "--help");
    assert_int_equal(exit_code(w), 0);
    RUN(w, "--version");
    assert_int_equal(exit_code(w), 0);
}

static void nobody_listening_is_said(void **state)
{
    struct world *w = *state;

    RUN(w, "--connect", w->control);
    assert_int_equal(exit_code(w), 1);
    complains(w, "cannot connect to");
    complains(w, "tests and demos only");
    RUN(w, "--connect", "192.0.2.1:1");
    assert_int_equal(exit_code(w), 1);
    RUN(w, "--connect", "[::1]:x");
    assert_int_equal(exit_code(w), 1);
}

static void reader_gets_atr_and_answers(void **state)
{
    struct world *w = *state;
    uint8_t atr[4096];
    size_t len;

    RUN(w, "--connect", w->reader, "--serial", "ABCD", "--manufacturer", "FFFE");
    accept_card(w);
    send_frame(w, "\x04", 1);
    len = receive_frame(w, atr);
    assert_in_range(len, 10, 33);
    assert_int_equal(atr[0], 0x3B);
    ask(w, "00 CA 004F 00", "6986");
    power_on(w);
    ask(w, "00 CA 004F 00", "D276000124010304FFFE0000ABCD0000 9000");
    ask(w, VERIFY_OTHER, "9000");
    send_frame(w, "\x02", 1);
    ask(w, SELECT_OPENPGP, "9000");
    ask(w, "00 20 0082", "63C3");
    ask(w, VERIFY_OTHER, "9000");
    send_frame(w, "\x00", 1);
    power_on(w);
    ask(w, "00 20 0082", "63C3");
    close(w->card);
    w->card = -1;
    assert_int_equal(exit_code(w), 0);
}

static void several_frames_at_once_are_all_answered(void **state)
{
    struct world *w = *state;

    RUN(w, "--connect", w->reader);
    connect_and_power(w);
    transmit(w, VERIFY_OTHER);
    transmit(w, "00 20 0082");
    transmit(w, "00 20 0083");
    answers(w, "9000");
    answers(w, "9000");
    answers(w, "63C3");
}

static void trace_tells_all(void **state)
{
    struct world *w = *state;
    struct stat info;
    char text[1024];

    RUN(w, "--connect", w->reader, "--trace", w->trace);
    connect_and_power(w);
    ask(w, "00 20 0082", "63C3");
    read_file(w->trace, text, sizeof text);
    assert_string_equal(text, "# inserted\n# on\n> 00A4040006D27600012401\n< 9000\n"
                              "> 00200082\n< 63C3\n");
    assert_int_equal(stat(w->trace, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
}

static void state_outlives_the_program(void **state)
{
    struct world *w = *state;
    struct stat info;

    RUN(w, "--connect", w->reader, "--state", w->state);
    connect_and_power(w);
    ask(w, "00 24 0081 0C 313233343536 363534333231", "9000");
    ask(w, "00 20 0082 06 303030303030", "6982");
    kill(w->program, SIGKILL); /* what was answered is kept */
    waitpid(w->program, NULL, 0);
    w->program = -1;
    close(w->card);
    assert_int_equal(stat(w->state, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    RUN(w, "--connect", w->reader, "--state", w->state);
    connect_and_power(w);
    ask(w, "00 20 0082", "63C2");
    ask(w, "00 20 0082 06 363534333231", "9000");
    kill(w->program, SIGTERM);
    assert_int_equal(exit_code(w), 0);
}

static void damaged_state_is_refused_and_left_alone(void **state)
{
    static const char damaged[] = "cardea-token 1\nterminated 00\n";
    struct world *w = *state;
    FILE *file = fopen(w->state, "w");
    char text[256];

    assert_non_null(file);
    assert_true(fputs(damaged, file) >= 0);
    assert_int_equal(fclose(file), 0);
    RUN(w, "--connect", w->reader, "--state", w->state);
    assert_int_equal(exit_code(w), 1);
    complains(w, "damaged");
    read_file(w->state, text, sizeof text);
    assert_string_equal(text, damaged);
}

static void state_that_can_not_be_written_ends_it(void **state)
{
    struct world *w = *state;

    RUN(w, "--connect", w->reader, "--state", "/nonexistent/state");
    assert_int_equal(exit_code(w), 1);
    complains(w, "cannot write /nonexistent/state");
}

/* No answer says that something was kept which was not. */
static void state_that_can_no_longer_be_written_ends_it(void **state)
{
    struct world *w = *state;
    char folder[128], file[160];
    uint8_t octet;

    snprintf(folder, sizeof folder, "%s/folder", w->folder);
    snprintf(file, sizeof file, "%s/state", folder);
    assert_int_equal(mkdir(folder, 0700), 0);
    RUN(w, "--connect", w->reader, "--state", file);
    connect_and_power(w);
    ask(w, "00 20 0082", "63C3");
    assert_int_equal(unlink(file), 0);
    assert_int_equal(rmdir(folder), 0);
    transmit(w, "00 20 0082 06 303030303030");
    assert_int_equal(recv(w->card, &octet, 1, 0), 0);
    assert_int_equal(exit_code(w), 1);
    complains(w, "cannot write");
}

static void keys_come_from_files(void **state)
{
    struct world *w = *state;

    RUN(w, "--connect", w->reader, "--import", TOKEN_KEYS "/curve25519.gpg");
    connect_and_power(w);
    ask(w, "00 CA 00DE 00", "010202020302 9000");
    kill(w->program, SIGINT);
    assert_int_equal(exit_code(w), 0);
    close(w->card);
    w->card = -1;
    RUN(w, "--connect", w->reader, "--import", TOKEN_KEYS "/protected.asc");
    assert_int_equal(exit_code(w), 1);
    complains(w, "passphrase");
    RUN(w, "--connect", w->reader, "--import", "/nonexistent");
    assert_int_equal(exit_code(w), 1);
    complains(w, "cannot import /nonexistent");
}

static void features_come_from_the_command_line(void **state)
{
    struct world *w = *state;

    RUN(w, "--connect", w->reader, "--no-extended", "--no-chaining", "--no-get-response",
        "--no-button", "--no-rsa-generation", "--outer-tags", "--piv", "--yubico-version",
        "5.4.12");
    connect_and_power(w);
    ask(w, "00 CA 5F52 00", "0031F573C00100059000 9000");
    ask(w, "00 CA 004F 06", "6700");
    ask(w, "00 CA 7F74 00", "6A88");
    ask(w, "00 CA 007A 00", "7A05 9303000000 9000");
    ask(w, "00 F1 0000 00", "050412 9000");
    ask(w, VERIFY_ADMIN, "9000");
    ask(w, "00 47 8000 02 B800 00", "6A81");
    ask(w, "00 A4 0400 05 A000000308", "9000");
    ask(w, "00 CA 004F 00", "6D00");
}

static void reader_may_be_on_tcp(void **state)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    struct world *w = *state;
    socklen_t len = sizeof address;
    char where[64];

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    close(w->listener);
    w->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(w->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(w->listener, 1), 0);
    assert_int_equal(getsockname(w->listener, (struct sockaddr *)&address, &len), 0);
    snprintf(where, sizeof where, "localhost:%u", ntohs(address.sin_port));
    RUN(w, "--connect", where);
    connect_and_power(w);
    ask(w, "00 CA 004F 00", "D276000124010304FF00000000010000 9000");
}

/* What the command line says counts more, wherever it says it. */
static void profile_is_where_the_card_begins(void **state)
{
    struct world *w = *state;

    RUN(w, "--connect", w->reader, "--manufacturer", "0001", "--profile", "nitrokey-pro2",
        "--serial", "12345678");
    connect_and_power(w);
    ask(w, "00 CA 004F 00", "D276000124010303 0001 12345678 0000 9000");
    ask(w, "00 CA 5F52 00", "0031F573C00160059000 9000");
    kill(w->program, SIGINT);
    assert_int_equal(exit_code(w), 0);
    close(w->card);
    w->card = -1;
    RUN(w, "--connect", w->reader, "--profile", "nitrokey-pro2", "--uif", "dec=on");
    assert_int_equal(exit_code(w), 1);
    complains(w, "without a button");
    RUN(w, "--profile", "list");
    assert_int_equal(exit_code(w), 0);
}

static void pins_and_touch_come_from_the_command_line(void **state)
{
    struct world *w = *state;

    RUN(w, "--connect", w->reader, "--pin", "abcdef", "--admin-pin", "abcdefgh", "--uif", "dec=on",
        "--uif", "aut=fixed");
    connect_and_power(w);
    ask(w, "00 20 0082 06 616263646566", "9000");
    ask(w, "00 20 0083 08 6162636465666768", "9000");
    ask(w, "00 CA 00D6 00", "0020 9000");
    ask(w, "00 CA 00D7 00", "0120 9000");
    ask(w, "00 CA 00D8 00", "0220 9000");
    kill(w->program, SIGINT);
    assert_int_equal(exit_code(w), 0);
    close(w->card);
    w->card = -1;
    RUN(w, "--connect", w->reader, "--pin", "abc");
    assert_int_equal(exit_code(w), 1);
    complains(w, "user PIN");
}

static void kdf_hashes_the_pins(void **state)
{
    struct world *w = *state;
    uint8_t object[4096];

    RUN(w, "--connect", w->reader, "--kdf");
    connect_and_power(w);
    transmit(w, "00 CA 00F9 00");
    assert_int_equal(receive_frame(w, object), 110 + 2);
    assert_memory_equal(object, "\x81\x01\x03\x82\x01\x08\x83\x04", 8);
    ask(w, VERIFY_OTHER, "6700");
    /* The digest of the default PIN is in the object, behind three salts. */
    assert_memory_equal(object + 42, "\x87\x20", 2);
    {
        uint8_t verify[5 + 32] = { 0x00, 0x20, 0x00, 0x82, 0x20 };

        memcpy(verify + 5, object + 44, 32);
        send_frame(w, verify, sizeof verify);
        answers(w, "9000");
    }
}

static void card_is_removed_and_inserted(void **state)
{
    struct world *w = *state;
    uint8_t octet;

    RUN(w, "--connect", w->reader, "--control", w->control);
    connect_and_power(w);
    controls(w, "status\n", "ok inserted connected\n");
    ask(w, VERIFY_OTHER, "9000");
    controls(w, "insert\n", "error it is inserted\n");
    controls(w, "remove\n", "ok removed\n");
    assert_true(readable(w->card, PATIENCE_MS));
    assert_int_equal(recv(w->card, &octet, 1, 0), 0);
    close(w->card);
    controls(w, "remove\n", "error it is not inserted\n");
    controls(w, "status\n", "ok removed not-connected\n");
    controls(w, "insert\n", "ok inserted\n");
    connect_and_power(w);
    ask(w, "00 20 0082", "63C3");
    kill(w->program, SIGUSR2);
    assert_true(readable(w->card, PATIENCE_MS));
    assert_int_equal(recv(w->card, &octet, 1, 0), 0);
    close(w->card);
    kill(w->program, SIGUSR2);
    connect_and_power(w);
    controls(w, "quit\n", "ok bye\n");
    assert_int_equal(exit_code(w), 0);
    assert_int_equal(access(w->control, F_OK), -1);
}

static void insertion_without_a_reader_is_an_error(void **state)
{
    struct world *w = *state;
    char line[256];

    RUN(w, "--connect", w->reader, "--control", w->control);
    connect_and_power(w);
    controls(w, "remove\n", "ok removed\n");
    close(w->listener);
    control(w, "insert\n", line);
    assert_memory_equal(line, "error cannot connect to", 23);
    controls(w, "status\n", "ok removed not-connected\n");
    unlink(w->reader);
    w->listener = listen_at(w->reader);
    controls(w, "insert\n", "ok inserted\n");
    close(w->card);
    connect_and_power(w);
}

static void control_socket_answers_nonsense(void **state)
{
    struct world *w = *state;
    char line[256];

    RUN(w, "--connect", w->reader, "--control", w->control);
    connect_and_power(w);
    control(w, "dance\n", line);
    assert_memory_equal(line, "error ", 6);
    control(w, "dancedancedancedancedancedancedancedancedancedancedancedancedancedancedancedance\n",
            line);
    assert_memory_equal(line, "error ", 6);
    controls(w, "touch\n", "error nothing waits for a touch\n");
    controls(w, "status\r\n", "ok inserted connected\n");
}

static void stale_control_socket_is_replaced_but_a_live_one_is_not(void **state)
{
    struct world *w = *state;
    int other = listen_at(w->control);

    RUN(w, "--connect", w->reader, "--control", w->control);
    assert_int_equal(exit_code(w), 1);
    complains(w, "cannot listen at");
    close(other);
    RUN(w, "--connect", w->reader, "--control", w->control);
    connect_and_power(w);
    controls(w, "status\n", "ok inserted connected\n");
}

#define CURVE25519_DECIPHER                                                                        \
    "00 2A 8086 27 A6 25 7F49 22 86 20"                                                            \
    "DE9EDB7D7B7DC1B4D35B61C2ECE435373F8343C85B78674DADFC7E146F882B4F 00"

/* Starts a card that wants a touch, and a decryption on it. */
static void start_waiting(struct world *w, const char *timeout)
{
    RUN(w, "--connect", w->reader, "--control", w->control, "--import",
        TOKEN_KEYS "/curve25519.gpg", "--touch", "manual", "--uif", "dec=on", "--touch-timeout-ms",
        timeout);
    connect_and_power(w);
    ask(w, VERIFY_OTHER, "9000");
    transmit(w, CURVE25519_DECIPHER);
    status_becomes(w, "ok inserted connected waiting-for-touch\n");
}

static void finish_with_touch(struct world *w)
{
    uint8_t answer[4096];

    assert_int_equal(receive_frame(w, answer), 34);
    assert_memory_equal(answer + 32, "\x90\x00", 2);
}

static void touch_comes_by_control_socket_or_signal(void **state)
{
    struct world *w = *state;

    start_waiting(w, "60000");
    assert_false(readable(w->card, 50));
    controls(w, "touch\n", "ok touched\n");
    finish_with_touch(w);
    transmit(w, CURVE25519_DECIPHER);
    status_becomes(w, "ok inserted connected waiting-for-touch\n");
    kill(w->program, SIGUSR1);
    finish_with_touch(w);
}

static void touch_that_never_comes_times_out(void **state)
{
    struct world *w = *state;

    start_waiting(w, "300");
    answers(w, "6600");
    status_becomes(w, "ok inserted connected\n");
}

static void removal_ends_the_wait_for_a_touch(void **state)
{
    struct world *w = *state;
    uint8_t octet;

    start_waiting(w, "60000");
    /* Both in one line: the answer must not reach the next insertion. */
    controls(w, "remove\ninsert\n", "ok removed\nok inserted\n");
    assert_true(readable(w->card, PATIENCE_MS));
    assert_int_equal(recv(w->card, &octet, 1, 0), 0);
    close(w->card);
    connect_and_power(w);
    ask(w, "00 20 0082", "63C3");
}

static void reader_that_hangs_up_ends_the_wait_for_a_touch(void **state)
{
    struct world *w = *state;

    start_waiting(w, "60000");
    close(w->card);
    w->card = -1;
    assert_int_equal(exit_code(w), 0);
}

static void waiting_card_finds_a_reader_that_comes_later(void **state)
{
    struct world *w = *state;

    close(w->listener);
    unlink(w->reader);
    RUN(w, "--connect", w->reader, "--wait=30");
    usleep(100000);
    w->listener = listen_at(w->reader);
    connect_and_power(w);
    /* And when it comes back. */
    close(w->card);
    connect_and_power(w);
    kill(w->program, SIGTERM);
    assert_int_equal(exit_code(w), 0);
}

static void waiting_ends(void **state)
{
    struct world *w = *state;

    RUN(w, "--connect", w->control, "--wait=1");
    assert_int_equal(exit_code(w), 1);
    complains(w, "cannot connect to");
}

static void delay_is_kept(void **state)
{
    struct world *w = *state;
    int64_t begun;

    RUN(w, "--connect", w->reader, "--delay-ms", "200");
    accept_card(w);
    begun = monotonic_ms();
    transmit(w, SELECT_OPENPGP);
    answers(w, "9000");
    assert_true(monotonic_ms() - begun >= 200);
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, world_make, world_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(wrong_usage_is_2),
        WORLD_TEST(help_and_version_are_0),
        WORLD_TEST(nobody_listening_is_said),
        WORLD_TEST(reader_gets_atr_and_answers),
        WORLD_TEST(several_frames_at_once_are_all_answered),
        WORLD_TEST(trace_tells_all),
        WORLD_TEST(state_outlives_the_program),
        WORLD_TEST(damaged_state_is_refused_and_left_alone),
        WORLD_TEST(state_that_can_not_be_written_ends_it),
        WORLD_TEST(state_that_can_no_longer_be_written_ends_it),
        WORLD_TEST(keys_come_from_files),
        WORLD_TEST(features_come_from_the_command_line),
        WORLD_TEST(reader_may_be_on_tcp),
        WORLD_TEST(profile_is_where_the_card_begins),
        WORLD_TEST(pins_and_touch_come_from_the_command_line),
        WORLD_TEST(kdf_hashes_the_pins),
        WORLD_TEST(card_is_removed_and_inserted),
        WORLD_TEST(insertion_without_a_reader_is_an_error),
        WORLD_TEST(control_socket_answers_nonsense),
        WORLD_TEST(stale_control_socket_is_replaced_but_a_live_one_is_not),
        WORLD_TEST(touch_comes_by_control_socket_or_signal),
        WORLD_TEST(touch_that_never_comes_times_out),
        WORLD_TEST(removal_ends_the_wait_for_a_touch),
        WORLD_TEST(reader_that_hangs_up_ends_the_wait_for_a_touch),
        WORLD_TEST(waiting_card_finds_a_reader_that_comes_later),
        WORLD_TEST(waiting_ends),
        WORLD_TEST(delay_is_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
