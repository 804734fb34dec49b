#include "ccid/reader.h"
#include "ccid/socket_address.h"
#include "tests/unit/cmocka_all.h"
#include "tests/unit/emulator.h"
#include "tests/unit/thread_sleep.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define SOON      5000 /* ms; longer than anything that works takes, however slow the machine */
#define BRIEF     50   /* ms that a deadline lasts which is meant to pass */
#define CODE(err) gpg_err_code(err)

struct bench {
    char folder[64];
    char path[96];
    char spec[128];
    struct socket_address address;
    struct readers *readers;
    struct reader_list list;
};

static void insert(struct bench *b, struct emulator *e)
{
    emulator_start(e, (const struct sockaddr *)&b->address.storage, b->address.len);
}

static int open_bench(void **state)
{
    struct bench *b = calloc(1, sizeof *b);

    snprintf(b->folder, sizeof b->folder, "/tmp/cardea-socket-XXXXXX");
    assert_non_null(mkdtemp(b->folder));
    snprintf(b->path, sizeof b->path, "%s/card", b->folder);
    snprintf(b->spec, sizeof b->spec, "socket:%s", b->path);
    assert_int_equal(socket_address_parse(b->path, &b->address), 0);
    assert_int_equal(readers_open(b->spec, &b->readers), 0);
    *state = b;
    return 0;
}

static int close_bench(void **state)
{
    struct bench *b = *state;

    readers_close(&b->readers);
    assert_null(b->readers);
    assert_int_equal(access(b->path, F_OK), -1);
    assert_int_equal(rmdir(b->folder), 0);
    free(b);
    return 0;
}

static struct reader_info look(struct bench *b)
{
    readers_list(b->readers, &b->list);
    assert_int_equal(b->list.count, 1);
    assert_int_equal(b->list.service, 0);
    return b->list.info[0];
}

/* The list once it says that a card is in, or not. */
static struct reader_info wait_present(struct bench *b, bool present)
{
    struct reader_info info;

    while ((info = look(b)).present != present)
        readers_wait(b->readers);
    return info;
}

static struct reader *connect_card(struct bench *b)
{
    struct reader *reader = NULL;
    struct reader_info info = wait_present(b, true);

    assert_int_equal(reader_connect(b->readers, info.name, deadline_in_ms(SOON), &reader), 0);
    return reader;
}

static gpg_error_t transmit(struct reader *reader, enum act act, unsigned number,
                            struct buffer *answer, int ms)
{
    const uint8_t command[] = { 0, (uint8_t)act, (uint8_t)(number >> 8), (uint8_t)number, 7 };

    return reader_transmit(reader, view_of(command, sizeof command), answer, deadline_in_ms(ms));
}

static void assert_echo(struct reader *reader, enum act act)
{
    const uint8_t expected[] = { 0, (uint8_t)act, 0, 1, 7, 0x90, 0x00 };
    struct buffer answer = BUFFER(256);

    assert_int_equal(transmit(reader, act, 1, &answer, SOON), 0);
    assert_int_equal(answer.len, sizeof expected);
    assert_memory_equal(answer.data, expected, sizeof expected);
    buffer_free(&answer);
}

/* Every call but the last returns what ended the connection. */
static void assert_ended(struct reader *reader, gpg_err_code_t code)
{
    struct buffer answer = BUFFER(256);

    assert_int_equal(CODE(transmit(reader, ACT_ECHO, 0, &answer, SOON)), code);
    assert_int_equal(CODE(reader_begin(reader, deadline_in_ms(SOON))), code);
    assert_int_equal(CODE(reader_reset(reader, deadline_in_ms(SOON))), code);
    reader_end(reader);
    assert_int_equal(answer.len, 0);
}

/* A card is inserted, connected to and asked for `act`, which must end in `code`; afterwards it is
 * still there, or not, and the next card works. */
static void assert_fails(struct bench *b, enum act act, unsigned number, gpg_err_code_t code,
                         int ms, bool stays)
{
    struct emulator e = { 0 }, next = { 0 };
    struct buffer answer = BUFFER(256);
    struct reader *reader;

    insert(b, &e);
    reader = connect_card(b);
    assert_int_equal(buffer_append(&answer, "old", 3), 0);
    assert_int_equal(CODE(transmit(reader, act, number, &answer, ms)), code);
    assert_int_equal(answer.len, 0);
    assert_ended(reader, code == GPG_ERR_TOO_LARGE ? GPG_ERR_CARD_REMOVED : code);
    reader_disconnect(&reader);
    if (stays) {
        reader = connect_card(b);
        assert_echo(reader, ACT_ECHO);
        reader_disconnect(&reader);
    } else {
        wait_present(b, false);
    }
    emulator_stop(&e);
    wait_present(b, false);
    insert(b, &next);
    reader = connect_card(b);
    assert_echo(reader, ACT_ECHO);
    reader_disconnect(&reader);
    emulator_stop(&next);
    wait_present(b, false);
    buffer_free(&answer);
}

static void without_a_card_nothing_connects(void **state)
{
    struct bench *b = *state;
    struct reader *reader = NULL;

    assert_false(look(b).present);
    assert_string_equal(readers_spec(b->readers), b->spec);
    assert_int_equal(
        CODE(reader_connect(b->readers, b->list.info[0].name, deadline_in_ms(SOON), &reader)),
        GPG_ERR_CARD_NOT_PRESENT);
    assert_int_equal(CODE(reader_connect(b->readers, "other", deadline_in_ms(SOON), &reader)),
                     GPG_ERR_CARD_NOT_PRESENT);
    assert_null(reader);
}

static void card_answers_however_its_answer_arrives(void **state)
{
    struct bench *b = *state;
    struct emulator e = { 0 };
    struct reader *reader;

    insert(b, &e);
    reader = connect_card(b);
    assert_true(view_equal(reader_atr(reader), e.atr));
    assert_echo(reader, ACT_ECHO);
    assert_echo(reader, ACT_DRIP);
    assert_echo(reader, ACT_SPLIT);
    assert_echo(reader, ACT_LATE);
    assert_int_equal(e.powered, 1);
    reader_disconnect(&reader);
    reader = connect_card(b);
    assert_true(view_equal(reader_atr(reader), e.atr));
    assert_int_equal(e.powered, 1); /* the card is left as it is */
    reader_disconnect(&reader);
    assert_null(reader);
    reader_disconnect(&reader);
    emulator_stop(&e);
}

static void each_insertion_has_its_number(void **state)
{
    struct bench *b = *state;
    uint32_t last = 0;

    for (int i = 0; i < 5; i++) {
        struct emulator e = { 0 };
        struct reader_info info;

        insert(b, &e);
        info = wait_present(b, true);
        assert_int_not_equal(info.insertion, last);
        last = info.insertion;
        emulator_stop(&e);
        wait_present(b, false);
    }
}

static void fast_reinsertion_is_seen(void **state)
{
    struct bench *b = *state;
    struct emulator first = { 0 }, second = { 0 };
    struct reader *reader;
    uint32_t insertion;

    insert(b, &first);
    reader = connect_card(b);
    insertion = look(b).insertion;
    emulator_stop(&first);
    insert(b, &second);
    readers_wait(b->readers);
    assert_true(look(b).present);
    assert_int_not_equal(look(b).insertion, insertion);
    assert_ended(reader, GPG_ERR_CARD_REMOVED);
    reader_disconnect(&reader);
    emulator_stop(&second);
}

static void second_connection_is_refused(void **state)
{
    struct bench *b = *state;
    struct emulator first = { 0 }, second = { 0 };
    struct reader *reader;
    uint8_t octet;

    insert(b, &first);
    reader = connect_card(b);
    insert(b, &second);
    look(b);
    pthread_join(second.thread, NULL); /* it ended because we closed */
    assert_int_equal(recv(second.fd, &octet, 1, 0), 0);
    close(second.fd);
    assert_echo(reader, ACT_ECHO);
    reader_disconnect(&reader);
    emulator_stop(&first);
}

static void bad_answers(void **state)
{
    struct bench *b = *state;

    assert_fails(b, ACT_LENGTH, 0, GPG_ERR_CARD, SOON, true);
    assert_fails(b, ACT_LENGTH, 1, GPG_ERR_CARD, SOON, true);
    assert_fails(b, ACT_LENGTH, 257, GPG_ERR_TOO_LARGE, SOON, false);
    assert_fails(b, ACT_CLAIM, 65535, GPG_ERR_TOO_LARGE, SOON, false);
    assert_fails(b, ACT_CLAIM, 256, GPG_ERR_TIMEOUT, BRIEF, false);
    assert_fails(b, ACT_SILENT, 0, GPG_ERR_TIMEOUT, BRIEF, false);
    assert_fails(b, ACT_TRUNCATE, 9, GPG_ERR_CARD_REMOVED, SOON, false);
    assert_fails(b, ACT_CLOSE, 0, GPG_ERR_CARD_REMOVED, SOON, false);
    assert_fails(b, ACT_LATE, 1000, GPG_ERR_TIMEOUT, BRIEF, false);
}

static void answer_as_long_as_its_cap_is_taken(void **state)
{
    struct bench *b = *state;
    struct buffer answer = BUFFER(65535);
    struct emulator e = { 0 };
    struct reader *reader;

    insert(b, &e);
    reader = connect_card(b);
    assert_int_equal(transmit(reader, ACT_LENGTH, 65535, &answer, SOON), 0);
    assert_int_equal(answer.len, 65535);
    assert_int_equal(transmit(reader, ACT_LENGTH, 2, &answer, SOON), 0);
    assert_int_equal(answer.len, 2);
    reader_disconnect(&reader);
    emulator_stop(&e);
    buffer_free(&answer);
}

static void what_is_no_command_is_not_sent(void **state)
{
    struct bench *b = *state;
    struct buffer answer = BUFFER(65535);
    uint8_t *large = calloc(1, 65536);
    struct emulator e = { 0 };
    struct reader *reader;

    insert(b, &e);
    reader = connect_card(b);
    /* One octet would be a control. */
    assert_int_equal(
        CODE(reader_transmit(reader, view_of("\x02", 1), &answer, deadline_in_ms(SOON))),
        GPG_ERR_INV_LENGTH);
    assert_int_equal(
        CODE(reader_transmit(reader, view_of(large, 65536), &answer, deadline_in_ms(SOON))),
        GPG_ERR_TOO_LARGE);
    assert_int_equal(CODE(transmit(reader, ACT_ECHO, 0, &answer, 0)), GPG_ERR_TIMEOUT);
    assert_int_equal(e.reset, 0);
    assert_int_equal(e.commands, 0);
    assert_echo(reader, ACT_ECHO);
    reader_disconnect(&reader);
    emulator_stop(&e);
    buffer_free(&answer);
    free(large);
}

static void unasked_octets_are_no_answer(void **state)
{
    struct bench *b = *state;
    struct buffer answer = BUFFER(64);
    struct emulator e = { 0 };
    struct reader *reader;
    gpg_error_t err;

    insert(b, &e);
    reader = connect_card(b);
    assert_echo(reader, ACT_TWICE);
    err = transmit(reader, ACT_ECHO, 0, &answer, SOON);
    assert_int_equal(CODE(err), GPG_ERR_CARD);
    assert_int_equal(e.commands, 1);
    wait_present(b, false);
    reader_disconnect(&reader);
    emulator_stop(&e);
}

static void last_answer_of_a_card_that_leaves_arrives(void **state)
{
    struct bench *b = *state;
    struct emulator e = { 0 };
    struct reader *reader;

    insert(b, &e);
    reader = connect_card(b);
    assert_echo(reader, ACT_ECHO_CLOSE);
    wait_present(b, false);
    reader_disconnect(&reader);
    emulator_stop(&e);
}

static void mute_cards_do_not_connect(void **state)
{
    static const uint8_t octets[34] = { 0x3b };
    static const size_t lengths[] = { 0, 34 };
    struct bench *b = *state;

    for (size_t i = 0; i < 2; i++) {
        struct emulator e = { .atr = view_of(octets, lengths[i]) };
        struct reader *reader = NULL;
        struct reader_info info;

        insert(b, &e);
        info = wait_present(b, true);
        assert_int_equal(CODE(reader_connect(b->readers, info.name, deadline_in_ms(SOON), &reader)),
                         GPG_ERR_CARD);
        assert_null(reader);
        emulator_stop(&e);
        wait_present(b, false);
    }
}

/* One connect and one command with a card that leaves after so many octets. */
static void use_leaving_card(struct bench *b, size_t send_limit, size_t receive_limit)
{
    struct buffer answer = BUFFER(64);
    struct emulator e = { 0 };
    struct reader *reader = NULL;
    gpg_error_t err;

    emulator_start_limited(&e, (const struct sockaddr *)&b->address.storage, b->address.len,
                           send_limit, receive_limit);
    err = reader_connect(b->readers, look(b).name, deadline_in_ms(SOON), &reader);
    if (err) {
        assert_int_equal(CODE(err), GPG_ERR_CARD_NOT_PRESENT);
    } else {
        err = transmit(reader, ACT_ECHO, 1, &answer, SOON);
        assert_true(!err || CODE(err) == GPG_ERR_CARD_REMOVED);
        assert_int_equal(answer.len, err ? 0 : 7);
    }
    wait_present(b, false);
    reader_disconnect(&reader);
    emulator_stop(&e);
    buffer_free(&answer);
}

static void card_may_leave_at_every_octet(void **state)
{
    struct bench *b = *state;

    for (size_t i = 0; i <= 2 + 5 + 2 + 7; i++) /* ATR, answer */
        use_leaving_card(b, i, COUNT_MAX);
    for (size_t i = 0; i <= 3 + 3 + 2 + 5; i++) /* power on, get ATR, command */
        use_leaving_card(b, COUNT_MAX, i);
}

static void reset_is_seen_by_the_other_reader_once(void **state)
{
    struct bench *b = *state;
    struct buffer answer = BUFFER(64);
    struct emulator e = { 0 };
    struct reader *one, *other;

    insert(b, &e);
    one = connect_card(b);
    other = connect_card(b);
    assert_int_equal(reader_reset(one, deadline_in_ms(SOON)), 0);
    assert_int_equal(e.reset, 1);
    assert_echo(one, ACT_ECHO);
    assert_int_equal(CODE(transmit(other, ACT_ECHO, 1, &answer, SOON)), GPG_ERR_CARD_RESET);
    assert_echo(other, ACT_ECHO);
    assert_int_equal(reader_reset(one, deadline_in_ms(SOON)), 0);
    assert_int_equal(CODE(reader_begin(other, deadline_in_ms(SOON))), GPG_ERR_CARD_RESET);
    assert_int_equal(reader_begin(other, deadline_in_ms(SOON)), 0);
    reader_end(other);
    reader_disconnect(&one);
    reader_disconnect(&other);
    emulator_stop(&e);
}

static void *end_later(void *reader)
{
    usleep(BRIEF * 1000);
    reader_end(reader);
    return NULL;
}

static void transaction_excludes_the_other_reader(void **state)
{
    struct bench *b = *state;
    struct buffer answer = BUFFER(64);
    struct emulator e = { 0 };
    struct reader *one, *other, *third;
    pthread_t thread;

    insert(b, &e);
    one = connect_card(b);
    other = connect_card(b);
    third = connect_card(b);
    assert_int_equal(reader_begin(one, deadline_in_ms(SOON)), 0);
    assert_int_equal(CODE(reader_begin(other, deadline_in_ms(BRIEF))), GPG_ERR_LOCKED);
    assert_int_equal(CODE(transmit(third, ACT_ECHO, 0, &answer, BRIEF)), GPG_ERR_TIMEOUT);
    reader_disconnect(&third);
    assert_echo(one, ACT_ECHO);
    assert_int_equal(e.commands, 1);
    pthread_create(&thread, NULL, end_later, one);
    assert_int_equal(reader_begin(other, deadline_in_ms(SOON)), 0);
    pthread_join(thread, NULL);
    assert_echo(other, ACT_ECHO);
    reader_disconnect(&other); /* ends its transaction */
    assert_int_equal(reader_begin(one, deadline_never()), 0);
    reader_disconnect(&one);
    emulator_stop(&e);
}

struct waiter {
    struct readers *readers;
    pthread_t thread;
    atomic_int tid;
    atomic_bool done;
};

static void *wait_once(void *context)
{
    struct waiter *w = context;

    w->tid = gettid();
    readers_wait(w->readers);
    w->done = true;
    return NULL;
}

static void start_waiter(struct waiter *w, struct readers *readers)
{
    *w = (struct waiter){ .readers = readers };
    pthread_create(&w->thread, NULL, wait_once, w);
    while (!w->tid)
        usleep(1000);
}

static void waiter_sleeps_while_commands_run(void **state)
{
    struct bench *b = *state;
    struct emulator e = { 0 };
    struct reader *reader;
    struct waiter w;
    long before;

    insert(b, &e);
    reader = connect_card(b);
    start_waiter(&w, b->readers);
    thread_await_sleep(w.tid);
    before = thread_sleeps(w.tid);
    for (int i = 0; i < 100; i++)
        assert_echo(reader, i % 10 ? ACT_ECHO : ACT_DRIP);
    usleep(2 * BRIEF * 1000);
    assert_int_equal(thread_sleeps(w.tid), before);
    assert_false(w.done);
    reader_disconnect(&reader);
    emulator_stop(&e);
    pthread_join(w.thread, NULL);
    assert_false(look(b).present);
}

static void wake_is_never_lost(void **state)
{
    struct bench *b = *state;

    look(b);
    readers_wake(b->readers);
    readers_wait(b->readers);
    for (int i = 0; i < 500; i++) {
        struct waiter w = { .readers = b->readers };

        pthread_create(&w.thread, NULL, wait_once, &w);
        for (volatile int spin = 0; spin < i * 100; spin++)
            ;
        readers_wake(b->readers);
        pthread_join(w.thread, NULL);
    }
}

static void dropped_card_ends_the_wait(void **state)
{
    struct bench *b = *state;
    struct buffer answer = BUFFER(64);
    struct emulator e = { 0 };
    struct reader *reader;
    struct waiter w;

    insert(b, &e);
    reader = connect_card(b);
    start_waiter(&w, b->readers);
    assert_int_equal(CODE(transmit(reader, ACT_SILENT, 0, &answer, BRIEF)), GPG_ERR_TIMEOUT);
    pthread_join(w.thread, NULL);
    assert_false(look(b).present);
    reader_disconnect(&reader);
    emulator_stop(&e);
}

static void card_that_somebody_else_noticed_is_watched(void **state)
{
    struct bench *b = *state;
    struct emulator e = { 0 };
    struct waiter w;

    look(b);
    start_waiter(&w, b->readers);
    thread_await_sleep(w.tid);
    insert(b, &e);
    pthread_join(w.thread, NULL);
    assert_true(look(b).present);
    start_waiter(&w, b->readers);
    look(b);
    emulator_stop(&e);
    pthread_join(w.thread, NULL);
    assert_false(look(b).present);
}

static void deadline_that_has_passed_touches_nothing(void **state)
{
    struct bench *b = *state;
    struct emulator e = { 0 };
    struct reader *reader, *other = NULL;

    insert(b, &e);
    reader = connect_card(b);
    assert_int_equal(CODE(reader_connect(b->readers, look(b).name, deadline_in_ms(0), &other)),
                     GPG_ERR_TIMEOUT);
    assert_int_equal(CODE(reader_begin(reader, deadline_in_ms(0))), GPG_ERR_LOCKED);
    assert_int_equal(CODE(reader_reset(reader, deadline_in_ms(0))), GPG_ERR_TIMEOUT);
    assert_echo(reader, ACT_ECHO);
    assert_int_equal(e.reset, 0);
    reader_disconnect(&reader);
    emulator_stop(&e);
}

/* A listener without descriptors stays readable. */
static void waiter_does_not_spin_without_descriptors(void **state)
{
    struct bench *b = *state;
    struct rlimit before, none;
    struct emulator e = { 0 };
    struct waiter w;
    long sleeps;

    getrlimit(RLIMIT_NOFILE, &before);
    look(b);
    start_waiter(&w, b->readers);
    thread_await_sleep(w.tid);
    none = (struct rlimit){ .rlim_cur = 0, .rlim_max = before.rlim_max };
    e.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sleeps = thread_sleeps(w.tid);
    setrlimit(RLIMIT_NOFILE, &none);
    assert_int_equal(connect(e.fd, (const struct sockaddr *)&b->address.storage, b->address.len),
                     0);
    usleep(300 * 1000);
    setrlimit(RLIMIT_NOFILE, &before);
    assert_true(thread_sleeps(w.tid) - sleeps <= 3);
    pthread_join(w.thread, NULL); /* it looks again by itself */
    assert_true(look(b).present);
    close(e.fd);
    wait_present(b, false);
}

static void another_users_card_is_refused(void **state)
{
    struct bench *b = *state;
    int status;
    pid_t child;

    if (geteuid() != 0)
        skip();
    assert_int_equal(chmod(b->folder, 0755), 0);
    assert_int_equal(chmod(b->path, 0666), 0);
    child = fork();
    if (child == 0) {
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        char octet;

        if (setresuid(65534, 65534, 65534) ||
            connect(fd, (const struct sockaddr *)&b->address.storage, b->address.len))
            _exit(1);
        _exit(recv(fd, &octet, 1, 0) == 0 ? 0 : 2);
    }
    do {
        assert_false(look(b).present);
        usleep(1000);
    } while (waitpid(child, &status, WNOHANG) == 0);
    assert_int_equal(status, 0);
}

static void closing_ends_the_wait(void **state)
{
    struct bench *b = *state;

    for (int i = 0; i < 50; i++) {
        struct waiter w;

        look(b);
        start_waiter(&w, b->readers);
        thread_await_sleep(w.tid);
        readers_close(&b->readers);
        pthread_join(w.thread, NULL);
        assert_int_equal(readers_open(b->spec, &b->readers), 0);
    }
}

static void path_is_private(void **state)
{
    struct bench *b = *state;
    struct stat st;

    assert_int_equal(stat(b->path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
}

static void live_socket_is_left_alone(void **state)
{
    struct bench *b = *state;
    struct readers *other = NULL;
    struct emulator e = { 0 };

    assert_int_equal(CODE(readers_open(b->spec, &other)), GPG_ERR_EADDRINUSE);
    assert_null(other);
    insert(b, &e);
    wait_present(b, true);
    emulator_stop(&e);
}

static void stale_socket_is_replaced(void **state)
{
    struct bench *b = *state;
    struct readers *other = NULL;
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    char spec[192];

    snprintf(un.sun_path, sizeof un.sun_path, "%.80s-stale", b->path);
    assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof un), 0);
    close(fd);
    snprintf(spec, sizeof spec, "socket:%s", un.sun_path);
    assert_int_equal(readers_open(spec, &other), 0);
    readers_close(&other);
    assert_int_equal(access(un.sun_path, F_OK), -1);
}

static void socket_of_a_successor_stays(void **state)
{
    struct bench *b = *state;
    struct readers *first = NULL, *second = NULL;
    char path[128], spec[192];

    snprintf(path, sizeof path, "%s-again", b->path);
    snprintf(spec, sizeof spec, "socket:%s", path);
    assert_int_equal(readers_open(spec, &first), 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(readers_open(spec, &second), 0);
    readers_close(&first);
    assert_int_equal(access(path, F_OK), 0);
    readers_close(&second);
    assert_int_equal(access(path, F_OK), -1);
}

static gpg_err_code_t open_fails(const char *spec)
{
    struct readers *readers = NULL;
    gpg_error_t err = readers_open(spec, &readers);

    assert_int_not_equal(err, 0);
    assert_null(readers);
    return CODE(err);
}

static void what_is_no_socket_is_left_alone(void **state)
{
    struct bench *b = *state;
    char file[128], link[128], spec[192];

    snprintf(file, sizeof file, "%s-file", b->path);
    snprintf(link, sizeof link, "%s-link", b->path);
    close(open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    assert_int_equal(symlink("nowhere", link), 0);
    snprintf(spec, sizeof spec, "socket:%s", file);
    assert_int_equal(open_fails(spec), GPG_ERR_EEXIST);
    snprintf(spec, sizeof spec, "socket:%s", link);
    assert_int_equal(open_fails(spec), GPG_ERR_EEXIST);
    snprintf(spec, sizeof spec, "socket:%s", b->folder);
    assert_int_equal(open_fails(spec), GPG_ERR_EEXIST);
    assert_int_equal(unlink(file), 0);
    assert_int_equal(unlink(link), 0);
    assert_int_equal(open_fails("socket:/nonexistent-folder/card"), GPG_ERR_ENOENT);
}

static void specs_that_mean_nothing(void **state)
{
    static const char *const specs[] = {
        "",
        ":",
        "socket",
        "socket:",
        "socket:relative/path",
        "socket:relative",
        "socket:80",
        "socket:127.0.0.1",
        "socket:127.0.0.1:",
        "socket:127.0.0.1:0",
        "socket:127.0.0.1:65536",
        "socket:127.0.0.1:-1",
        "socket:127.0.0.1: 80",
        "socket:127.0.0.1:80x",
        "socket:127.1:80",
        "socket:128.0.0.1:80",
        "socket:126.255.255.255:80",
        "socket:0.0.0.0:80",
        "socket::80",
        "socket:localhost.example:80",
        "socket:example.org:80",
        "socket:[::]:80",
        "socket:::1:80",
        "socket:[::1]80",
        "socket:[::ffff:127.0.0.1]:80",
        "sockets:/path",
        "Socket:/path",
        "telnet:/path",
    };
    char spec[256];

    (void)state;
    for (size_t i = 0; i < sizeof specs / sizeof specs[0]; i++)
        assert_int_equal(open_fails(specs[i]), GPG_ERR_INV_ARG);
    memset(spec, 'x', sizeof spec);
    memcpy(spec, "socket:/", 8);
    spec[sizeof "socket:" - 1 + 108] = '\0';
    assert_int_equal(open_fails(spec), GPG_ERR_ENAMETOOLONG);
}

static uint16_t free_port(int family)
{
    struct sockaddr_storage address = { .ss_family = (sa_family_t)family };
    socklen_t len = sizeof address;
    int fd = socket(family, SOCK_STREAM, 0);
    uint16_t port = 0;

    if (family == AF_INET6)
        ((struct sockaddr_in6 *)&address)->sin6_addr = in6addr_loopback;
    if (fd >= 0 && bind(fd, (struct sockaddr *)&address, len) == 0 &&
        getsockname(fd, (struct sockaddr *)&address, &len) == 0)
        port = ntohs(((struct sockaddr_in *)&address)->sin_port); /* at the same place in both */
    if (fd >= 0)
        close(fd);
    return port;
}

static void use_tcp(int family, const char *host)
{
    struct bench b = { 0 };
    struct emulator e = { 0 };
    struct reader *reader;
    uint16_t port = free_port(family);

    if (!port)
        skip();
    snprintf(b.spec, sizeof b.spec, "socket:%s:%u", host, (unsigned)port);
    assert_int_equal(socket_address_parse(b.spec + 7, &b.address), 0);
    assert_int_equal(readers_open(b.spec, &b.readers), 0);
    assert_int_equal(open_fails(b.spec), GPG_ERR_EADDRINUSE);
    insert(&b, &e);
    reader = connect_card(&b);
    assert_echo(reader, ACT_ECHO);
    assert_echo(reader, ACT_SPLIT);
    reader_disconnect(&reader);
    emulator_stop(&e);
    wait_present(&b, false);
    readers_close(&b.readers);
}

static void tcp_on_loopback(void **state)
{
    (void)state;
    use_tcp(AF_INET, "127.0.0.1");
    use_tcp(AF_INET, "127.9.8.7");
    use_tcp(AF_INET, "localhost");
}

static void tcp_on_ipv6_loopback(void **state)
{
    (void)state;
    use_tcp(AF_INET6, "[::1]");
}

#define WITH_BENCH(test) cmocka_unit_test_setup_teardown(test, open_bench, close_bench)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_BENCH(without_a_card_nothing_connects),
        WITH_BENCH(card_answers_however_its_answer_arrives),
        WITH_BENCH(each_insertion_has_its_number),
        WITH_BENCH(fast_reinsertion_is_seen),
        WITH_BENCH(second_connection_is_refused),
        WITH_BENCH(bad_answers),
        WITH_BENCH(answer_as_long_as_its_cap_is_taken),
        WITH_BENCH(what_is_no_command_is_not_sent),
        WITH_BENCH(unasked_octets_are_no_answer),
        WITH_BENCH(last_answer_of_a_card_that_leaves_arrives),
        WITH_BENCH(mute_cards_do_not_connect),
        WITH_BENCH(card_may_leave_at_every_octet),
        WITH_BENCH(reset_is_seen_by_the_other_reader_once),
        WITH_BENCH(transaction_excludes_the_other_reader),
        WITH_BENCH(waiter_sleeps_while_commands_run),
        WITH_BENCH(wake_is_never_lost),
        WITH_BENCH(dropped_card_ends_the_wait),
        WITH_BENCH(card_that_somebody_else_noticed_is_watched),
        WITH_BENCH(deadline_that_has_passed_touches_nothing),
        WITH_BENCH(waiter_does_not_spin_without_descriptors),
        WITH_BENCH(another_users_card_is_refused),
        WITH_BENCH(closing_ends_the_wait),
        WITH_BENCH(path_is_private),
        WITH_BENCH(live_socket_is_left_alone),
        WITH_BENCH(stale_socket_is_replaced),
        WITH_BENCH(socket_of_a_successor_stays),
        WITH_BENCH(what_is_no_socket_is_left_alone),
        cmocka_unit_test(specs_that_mean_nothing),
        cmocka_unit_test(tcp_on_loopback),
        cmocka_unit_test(tcp_on_ipv6_loopback),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
