/* The PC/SC back end against a real pcscd with virtual readers. Runs under with-pcscd. */
#include "ccid/lane.h"
#include "ccid/reader.h"
#include "tests/unit/cmocka_all.h"
#include "tests/unit/emulator.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <winscard.h>

#define SOON       20000 /* ms; longer than anything that works takes, however slow the machine */
#define BRIEF      150   /* ms that a deadline lasts which is meant to pass */
#define READER     "Virtual PCD 00 00"
#define CODE(err)  gpg_err_code(err)
#define NAP_MS(ms) usleep((ms)*1000)

extern char **environ;

static const char *self;
static struct readers *readers;
static struct reader_list list;

/* The service */

static pid_t service_pid(void)
{
    FILE *file = fopen(getenv("PCSCD_PIDFILE"), "r");
    int pid = 0;

    if (file) {
        if (fscanf(file, "%d", &pid) != 1)
            pid = 0;
        fclose(file);
    }
    return pid;
}

static void stop_service(void)
{
    pid_t pid = service_pid();

    assert_true(pid > 0);
    kill(pid, SIGKILL);
    while (kill(pid, 0) == 0 && service_pid()) {
        char path[64], state = 'Z';
        FILE *file;

        snprintf(path, sizeof path, "/proc/%d/stat", pid);
        file = fopen(path, "r");
        if (file && fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
            state = 'Z';
        if (file)
            fclose(file);
        if (state == 'Z')
            break;
        NAP_MS(5);
    }
}

static void start_service(void)
{
    assert_int_equal(system(getenv("PCSCD_START")), 0);
}

static void signal_service(int number)
{
    assert_int_equal(kill(service_pid(), number), 0);
}

/* The card */

static void insert(struct emulator *e)
{
    struct sockaddr_in in = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                              .sin_port = htons((uint16_t)strtol(getenv("VPCD_PORT"), NULL, 10)) };

    emulator_start(e, (struct sockaddr *)&in, sizeof in);
}

static const struct reader_info *find_reader(void)
{
    readers_list(readers, &list);
    for (size_t i = 0; i < list.count; i++) {
        if (strcmp(list.info[i].name, READER) == 0)
            return &list.info[i];
    }
    return NULL;
}

static bool is_present(void)
{
    const struct reader_info *info = find_reader();

    return info && info->present;
}

/* Sleeps in readers_wait until it is so; the test's own time limit ends it if it never is. */
static void wait_present(bool present)
{
    while (is_present() != present)
        readers_wait(readers);
}

static void wait_service(gpg_err_code_t code)
{
    for (;;) {
        readers_list(readers, &list);
        if (CODE(list.service) == code)
            return;
        readers_wait(readers);
    }
}

static struct reader *connect_card(void)
{
    struct reader *reader = NULL;

    wait_present(true);
    assert_int_equal(reader_connect(readers, READER, deadline_in_ms(SOON), &reader), 0);
    return reader;
}

static gpg_error_t transmit(struct reader *reader, enum act act, unsigned number,
                            struct buffer *answer, int ms)
{
    const uint8_t command[] = { 0, (uint8_t)act, (uint8_t)(number >> 8), (uint8_t)number, 1, 7 };

    return reader_transmit(reader, view_of(command, sizeof command), answer, deadline_in_ms(ms));
}

static void assert_echo(struct reader *reader)
{
    const uint8_t expected[] = { 0, ACT_ECHO, 0, 1, 1, 7, 0x90, 0x00 };
    struct buffer answer = BUFFER(256);

    assert_int_equal(transmit(reader, ACT_ECHO, 1, &answer, SOON), 0);
    assert_int_equal(answer.len, sizeof expected);
    assert_memory_equal(answer.data, expected, sizeof expected);
    buffer_free(&answer);
}

static gpg_err_code_t connect_fails(int ms)
{
    struct reader *reader = NULL;
    gpg_error_t err = reader_connect(readers, READER, deadline_in_ms(ms), &reader);

    assert_int_not_equal(err, 0);
    assert_null(reader);
    return CODE(err);
}

static int open_readers(void **state)
{
    (void)state;
    return readers_open("pcsc", &readers) != 0;
}

static int close_readers(void **state)
{
    (void)state;
    readers_close(&readers);
    for (int i = 0; i < 1000 && lanes_abandoned() > 0; i++)
        NAP_MS(10);
    return lanes_abandoned() != 0;
}

/* Another program: this one again, in main. */

struct other {
    pid_t pid;
    FILE *output;
};

static void start_other(struct other *other, const char *what, const char *ms)
{
    char *const arguments[] = { strdup(self), strdup("--other"), strdup(what), strdup(ms), NULL };
    posix_spawn_file_actions_t actions;
    char line[16];
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    assert_int_equal(posix_spawn(&other->pid, self, &actions, NULL, arguments, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    other->output = fdopen(ends[0], "r");
    assert_non_null(fgets(line, sizeof line, other->output));
    assert_string_equal(line, "ready\n");
    for (size_t i = 0; arguments[i]; i++)
        free(arguments[i]);
}

static void end_other(struct other *other)
{
    int status;

    assert_int_equal(waitpid(other->pid, &status, 0), other->pid);
    assert_int_equal(status, 0);
    fclose(other->output);
}

static int be_other(const char *what, int ms)
{
    DWORD mode = strcmp(what, "exclusive") == 0 ? SCARD_SHARE_EXCLUSIVE : SCARD_SHARE_SHARED;
    SCARDCONTEXT context;
    SCARDHANDLE card;
    DWORD protocol;

    if (SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context) != SCARD_S_SUCCESS ||
        SCardConnect(context, READER, mode, SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1, &card,
                     &protocol) != SCARD_S_SUCCESS)
        return 1;
    if (strcmp(what, "transaction") == 0 && SCardBeginTransaction(card) != SCARD_S_SUCCESS)
        return 1;
    if (strcmp(what, "reset") == 0 &&
        SCardReconnect(card, mode, SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1, SCARD_RESET_CARD,
                       &protocol) != SCARD_S_SUCCESS)
        return 1;
    puts("ready");
    fflush(stdout);
    NAP_MS((useconds_t)ms);
    if (strcmp(what, "transaction") == 0)
        SCardEndTransaction(card, SCARD_LEAVE_CARD);
    SCardDisconnect(card, SCARD_LEAVE_CARD);
    SCardReleaseContext(context);
    return 0;
}

/* The tests */

static void empty_reader_is_listed(void **state)
{
    (void)state;
    assert_non_null(find_reader());
    assert_int_equal(list.service, 0);
    assert_false(is_present());
    assert_int_equal(connect_fails(SOON), GPG_ERR_CARD_NOT_PRESENT);
}

static void insertion_and_removal_are_noticed(void **state)
{
    uint32_t last = 0;

    (void)state;
    for (int i = 0; i < 3; i++) {
        struct emulator e = { 0 };
        int64_t start = monotonic_ms(), inserted, removed;

        insert(&e);
        wait_present(true);
        inserted = monotonic_ms() - start;
        assert_int_not_equal(find_reader()->insertion, last);
        last = find_reader()->insertion;
        start = monotonic_ms();
        emulator_stop(&e);
        wait_present(false);
        removed = monotonic_ms() - start;
        print_message("insertion noticed after %d ms, removal after %d ms\n", (int)inserted,
                      (int)removed);
    }
}

static void card_answers(void **state)
{
    struct emulator e = { 0 };
    struct reader *reader;

    (void)state;
    insert(&e);
    reader = connect_card();
    assert_true(view_equal(reader_atr(reader), e.atr));
    assert_echo(reader);
    assert_int_equal(reader_begin(reader, deadline_in_ms(SOON)), 0);
    assert_echo(reader);
    reader_end(reader);
    assert_echo(reader);
    assert_int_equal(reader_reset(reader, deadline_in_ms(SOON)), 0);
    assert_int_equal(e.reset, 1);
    assert_echo(reader);
    reader_disconnect(&reader);
    emulator_stop(&e);
    wait_present(false);
}

static void answers_of_every_length(void **state)
{
    static const struct {
        unsigned len;
        size_t max;
        gpg_err_code_t code;
    } cases[] = {
        { 2, 2, 0 },
        { 3, 2, GPG_ERR_TOO_LARGE },
        { 258, 258, 0 },
        { 259, 258, GPG_ERR_TOO_LARGE },
        { 65535, ANSWER_MAX, 0 },
        { 65535, 258, GPG_ERR_TOO_LARGE },
        { 2, 2, 0 },
        { 1, 2, GPG_ERR_CARD },
    };
    struct emulator e = { 0 };
    struct reader *reader;

    (void)state;
    insert(&e);
    reader = connect_card();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buffer answer = BUFFER(cases[i].max);

        assert_int_equal(CODE(transmit(reader, ACT_LENGTH, cases[i].len, &answer, SOON)),
                         cases[i].code);
        assert_int_equal(answer.len, cases[i].code ? 0 : cases[i].len);
        buffer_free(&answer);
    }
    reader_disconnect(&reader);
    emulator_stop(&e);
    wait_present(false);
}

static void card_exchanged_while_nobody_looked_is_another(void **state)
{
    struct emulator first = { 0 }, second = { 0 };
    struct buffer answer = BUFFER(64);
    struct reader *reader;
    uint32_t insertion;

    (void)state;
    insert(&first);
    reader = connect_card();
    insertion = find_reader()->insertion;
    emulator_stop(&first);
    NAP_MS(1500); /* the service itself looks from time to time only */
    insert(&second);
    NAP_MS(1500);
    assert_true(is_present());
    assert_int_not_equal(find_reader()->insertion, insertion);
    assert_int_equal(CODE(transmit(reader, ACT_ECHO, 1, &answer, SOON)), GPG_ERR_CARD_REMOVED);
    reader_disconnect(&reader);
    reader = connect_card();
    assert_echo(reader);
    reader_disconnect(&reader);
    emulator_stop(&second);
    wait_present(false);
}

static void card_that_leaves_during_a_command(void **state)
{
    struct emulator e = { 0 };
    struct buffer answer = BUFFER(64);
    struct reader *reader;
    gpg_err_code_t code;

    (void)state;
    insert(&e);
    reader = connect_card();
    code = CODE(transmit(reader, ACT_CLOSE, 0, &answer, SOON));
    assert_true(code == GPG_ERR_CARD || code == GPG_ERR_CARD_REMOVED);
    assert_int_equal(CODE(reader_reset(reader, deadline_in_ms(SOON))), code);
    wait_present(false);
    assert_int_equal(CODE(transmit(reader, ACT_ECHO, 1, &answer, SOON)), code);
    reader_disconnect(&reader);
    emulator_stop(&e);
}

/* pcscd looks for cards now and then: an exchange in between it does not see. Had we reset the card
 * that was gone, it would take the reader for empty from then on. */
static void card_exchanged_during_a_command_is_not_lost(void **state)
{
    struct emulator e = { 0 }, next = { 0 };
    struct buffer answer = BUFFER(64);
    struct reader *reader;

    (void)state;
    insert(&e);
    reader = connect_card();
    assert_int_not_equal(transmit(reader, ACT_CLOSE, 0, &answer, SOON), 0);
    assert_int_not_equal(reader_reset(reader, deadline_in_ms(SOON)), 0);
    reader_disconnect(&reader);
    emulator_stop(&e);
    insert(&next);
    NAP_MS(1500);
    reader = connect_card();
    assert_echo(reader);
    reader_disconnect(&reader);
    emulator_stop(&next);
    wait_present(false);
}

static void slow_card_times_out_and_the_next_connection_works(void **state)
{
    struct emulator e = { 0 };
    struct buffer answer = BUFFER(64);
    struct reader *reader;
    int64_t start;

    (void)state;
    insert(&e);
    reader = connect_card();
    start = monotonic_ms();
    assert_int_equal(CODE(transmit(reader, ACT_LATE, 4000, &answer, BRIEF)), GPG_ERR_TIMEOUT);
    assert_true(monotonic_ms() - start < 3000);
    assert_int_equal(lanes_abandoned(), 1);
    assert_int_equal(CODE(transmit(reader, ACT_ECHO, 1, &answer, SOON)), GPG_ERR_TIMEOUT);
    assert_int_equal(CODE(reader_begin(reader, deadline_in_ms(SOON))), GPG_ERR_TIMEOUT);
    reader_end(reader);
    reader_disconnect(&reader);
    reader = connect_card();
    assert_echo(reader);
    reader_disconnect(&reader);
    emulator_stop(&e);
    wait_present(false);
}

static void stopped_service_times_out_and_recovers(void **state)
{
    struct emulator e = { 0 };
    struct buffer answer = BUFFER(64);
    struct reader *reader, *other;
    int64_t start;

    (void)state;
    insert(&e);
    reader = connect_card();
    other = connect_card();
    signal_service(SIGSTOP);
    start = monotonic_ms();
    assert_int_equal(CODE(transmit(reader, ACT_ECHO, 1, &answer, BRIEF)), GPG_ERR_TIMEOUT);
    assert_int_equal(CODE(reader_begin(other, deadline_in_ms(BRIEF))), GPG_ERR_LOCKED);
    assert_int_equal(connect_fails(BRIEF), GPG_ERR_TIMEOUT);
    assert_true(is_present());
    reader_disconnect(&reader);
    reader_disconnect(&other);
    start = monotonic_ms() - start;
    assert_true(start >= 3 * BRIEF && start < 4000);
    signal_service(SIGCONT);
    reader = connect_card();
    assert_echo(reader);
    reader_disconnect(&reader);
    emulator_stop(&e);
    wait_present(false);
}

static void closing_does_not_wait_for_a_stopped_service(void **state)
{
    int64_t start;

    NAP_MS(1500); /* asleep for good by now */
    (void)state;
    signal_service(SIGSTOP);
    start = monotonic_ms();
    readers_close(&readers);
    assert_true(monotonic_ms() - start < 5000);
    assert_int_equal(readers_open("pcsc", &readers), 0);
    readers_list(readers, &list);
    assert_int_equal(CODE(list.service), GPG_ERR_EAGAIN);
    signal_service(SIGCONT);
    wait_service(0);
}

static void hanging_connections_are_limited(void **state)
{
    int tries = 0;

    (void)state;
    signal_service(SIGSTOP);
    while (lanes_abandoned() < 16 && tries++ < 100)
        assert_int_equal(connect_fails(1), GPG_ERR_TIMEOUT);
    for (int i = 0; i < 10; i++)
        assert_int_equal(connect_fails(SOON), GPG_ERR_TIMEOUT);
    assert_int_equal(lanes_abandoned(), 16);
    signal_service(SIGCONT);
}

static void killed_service_comes_back(void **state)
{
    struct emulator e = { 0 }, again = { 0 };
    struct buffer answer = BUFFER(64);
    struct reader *reader;
    uint32_t insertion;

    (void)state;
    insert(&e);
    reader = connect_card();
    insertion = find_reader()->insertion;
    stop_service();
    assert_int_equal(CODE(transmit(reader, ACT_ECHO, 1, &answer, SOON)), GPG_ERR_NO_SERVICE);
    assert_int_equal(CODE(reader_begin(reader, deadline_in_ms(SOON))), GPG_ERR_NO_SERVICE);
    reader_disconnect(&reader);
    wait_service(GPG_ERR_NO_SERVICE);
    assert_int_equal(list.count, 0);
    assert_int_equal(connect_fails(SOON), GPG_ERR_NO_SERVICE);
    emulator_stop(&e);
    start_service();
    wait_service(0);
    insert(&again);
    reader = connect_card();
    assert_int_not_equal(find_reader()->insertion, insertion);
    assert_echo(reader);
    reader_disconnect(&reader);
    emulator_stop(&again);
    wait_present(false);
}

static void service_killed_during_a_command(void **state)
{
    struct emulator e = { 0 };
    struct buffer answer = BUFFER(64);
    struct reader *reader;
    pid_t killer;

    (void)state;
    insert(&e);
    reader = connect_card();
    killer = fork();
    if (killer == 0) {
        NAP_MS(BRIEF);
        kill(service_pid(), SIGKILL);
        _exit(0);
    }
    assert_int_equal(CODE(transmit(reader, ACT_SILENT, 0, &answer, SOON)), GPG_ERR_NO_SERVICE);
    waitpid(killer, NULL, 0);
    reader_disconnect(&reader);
    wait_service(GPG_ERR_NO_SERVICE);
    emulator_stop(&e);
    start_service();
    wait_service(0);
}

static void service_absent_at_first_is_used_when_it_comes(void **state)
{
    int64_t start;

    (void)state;
    stop_service(); /* its socket stays behind */
    readers_close(&readers);
    start = monotonic_ms();
    assert_int_equal(readers_open("pcsc", &readers), 0);
    readers_list(readers, &list);
    assert_int_equal(CODE(list.service), GPG_ERR_NO_SERVICE);
    assert_int_equal(list.count, 0);
    assert_int_equal(connect_fails(SOON), GPG_ERR_NO_SERVICE);
    unlink(getenv("PCSCLITE_CSOCK_NAME"));
    assert_int_equal(connect_fails(SOON), GPG_ERR_NO_SERVICE);
    assert_true(monotonic_ms() - start < 3000);
    start_service();
    start = monotonic_ms();
    wait_service(0);
    print_message("service noticed %d ms after it said that it was ready\n",
                  (int)(monotonic_ms() - start));
    while (!find_reader())
        readers_wait(readers);
}

static void reader_held_exclusively_is_locked(void **state)
{
    struct emulator e = { 0 };
    struct reader *reader;
    struct other other;

    (void)state;
    insert(&e);
    wait_present(true);
    start_other(&other, "exclusive", "1500");
    assert_int_equal(connect_fails(SOON), GPG_ERR_LOCKED);
    while (!find_reader()->exclusive)
        readers_wait(readers);
    end_other(&other);
    while (find_reader()->exclusive)
        readers_wait(readers);
    reader = connect_card();
    assert_echo(reader);
    reader_disconnect(&reader);
    emulator_stop(&e);
    wait_present(false);
}

static void begin_waits_for_anothers_transaction(void **state)
{
    struct emulator e = { 0 };
    struct reader *reader;
    struct other other;
    int64_t start;

    (void)state;
    insert(&e);
    reader = connect_card();
    start_other(&other, "transaction", "400");
    start = monotonic_ms();
    assert_int_equal(reader_begin(reader, deadline_in_ms(SOON)), 0);
    assert_true(monotonic_ms() - start >= 300);
    end_other(&other);
    assert_echo(reader);
    reader_end(reader);
    start_other(&other, "transaction", "1000");
    assert_int_equal(CODE(reader_begin(reader, deadline_in_ms(BRIEF))), GPG_ERR_LOCKED);
    reader_disconnect(&reader);
    end_other(&other);
    reader = connect_card();
    assert_int_equal(reader_begin(reader, deadline_in_ms(SOON)), 0);
    assert_echo(reader);
    reader_disconnect(&reader); /* ends its transaction */
    emulator_stop(&e);
    wait_present(false);
}

static void late_transaction_begins_with_its_first_command(void **state)
{
    struct emulator e = { 0 };
    struct reader *reader, *second;
    struct other other;
    int64_t start;

    (void)state;
    insert(&e);
    reader = connect_card();
    second = connect_card();
    reader_begin_late(reader, deadline_in_ms(SOON));
    assert_echo(reader);
    assert_int_equal(CODE(reader_begin(second, deadline_in_ms(BRIEF))), GPG_ERR_LOCKED);
    assert_echo(reader);
    reader_end(reader);
    reader_disconnect(&second);
    start_other(&other, "transaction", "800");
    start = monotonic_ms();
    reader_begin_late(reader, deadline_in_ms(SOON));
    assert_echo(reader);
    assert_true(monotonic_ms() - start >= 300);
    reader_end(reader);
    end_other(&other);
    reader_disconnect(&reader);
    emulator_stop(&e);
    wait_present(false);
}

static void late_transaction_that_cannot_begin_sends_nothing(void **state)
{
    struct emulator e = { 0 };
    struct buffer answer = BUFFER(64);
    struct reader *reader;
    struct other other;
    int64_t start;

    (void)state;
    insert(&e);
    reader = connect_card();
    start_other(&other, "transaction", "1000");
    reader_begin_late(reader, deadline_in_ms(BRIEF));
    start = monotonic_ms();
    assert_int_equal(CODE(transmit(reader, ACT_ECHO, 1, &answer, SOON)), GPG_ERR_LOCKED);
    assert_true(monotonic_ms() - start < SOON / 2);
    assert_int_equal(CODE(transmit(reader, ACT_ECHO, 1, &answer, SOON)), GPG_ERR_NOT_INITIALIZED);
    reader_end(reader);
    end_other(&other);
    reader_disconnect(&reader);
    reader = connect_card();
    assert_int_equal(e.commands, 0);
    reader_begin_late(reader, deadline_in_ms(0));
    assert_int_equal(CODE(transmit(reader, ACT_ECHO, 1, &answer, SOON)), GPG_ERR_LOCKED);
    reader_end(reader);
    reader_begin_late(reader, deadline_in_ms(SOON));
    reader_end(reader); /* nothing was begun */
    assert_echo(reader);
    reader_disconnect(&reader);
    emulator_stop(&e);
    wait_present(false);
}

static void reset_by_another_is_told_once(void **state)
{
    struct emulator e = { 0 };
    struct buffer answer = BUFFER(64);
    struct reader *reader;
    struct other other;

    (void)state;
    insert(&e);
    reader = connect_card();
    start_other(&other, "reset", "0");
    end_other(&other);
    assert_int_equal(CODE(transmit(reader, ACT_ECHO, 1, &answer, SOON)), GPG_ERR_CARD_RESET);
    assert_int_equal(e.commands, 0);
    assert_echo(reader);
    start_other(&other, "reset", "0");
    end_other(&other);
    if (CODE(reader_begin(reader, deadline_in_ms(SOON))) != GPG_ERR_CARD_RESET) {
        assert_int_equal(CODE(transmit(reader, ACT_ECHO, 1, &answer, SOON)), GPG_ERR_CARD_RESET);
        assert_echo(reader); /* still in the transaction */
        reader_end(reader);
    }
    assert_int_equal(reader_begin(reader, deadline_in_ms(SOON)), 0);
    assert_echo(reader);
    reader_end(reader);
    reader_disconnect(&reader);
    emulator_stop(&e);
    wait_present(false);
}

static void only_readers_of_the_name_are_listed(void **state)
{
    struct reader *reader;

    (void)state;
    readers_close(&readers);
    assert_int_equal(readers_open("pcsc:00 01", &readers), 0);
    assert_null(find_reader());
    assert_int_equal(list.count, 1);
    assert_non_null(strstr(list.info[0].name, "00 01"));
    assert_int_equal(connect_fails(SOON), GPG_ERR_CARD_NOT_PRESENT);
    readers_close(&readers);
    assert_int_equal(readers_open("pcsc:No Such|00 00|00 01|", &readers), 0);
    readers_list(readers, &list);
    assert_int_equal(list.count, 2);
    readers_close(&readers);
    assert_int_equal(readers_open("pcsc:No Such", &readers), 0);
    readers_list(readers, &list);
    assert_int_equal(list.count, 0);
    assert_int_equal(list.service, 0);
    assert_int_equal(CODE(reader_connect(readers, "No Such Reader", deadline_in_ms(SOON), &reader)),
                     GPG_ERR_CARD_NOT_PRESENT);
    assert_int_equal(CODE(readers_open("pcsc:", &(struct readers *){ NULL })), GPG_ERR_INV_ARG);
}

static void *wait_once(void *context)
{
    (void)context;
    readers_wait(readers);
    return NULL;
}

/* How often the threads of this process went to sleep, but for the first and that one. */
static long switches(int but)
{
    DIR *tasks = opendir("/proc/self/task");
    struct dirent *entry;
    long sum = 0;

    while ((entry = readdir(tasks))) {
        char path[300], line[128];
        long count;
        FILE *status;

        if (entry->d_name[0] == '.' || strtol(entry->d_name, NULL, 10) == getpid() ||
            strtol(entry->d_name, NULL, 10) == but)
            continue;
        snprintf(path, sizeof path, "/proc/self/task/%s/status", entry->d_name);
        status = fopen(path, "r");
        while (status && fgets(line, sizeof line, status)) {
            if (sscanf(line, "voluntary_ctxt_switches: %ld", &count) == 1)
                sum += count;
        }
        if (status)
            fclose(status);
    }
    closedir(tasks);
    return sum;
}

static void assert_nobody_wakes(unsigned seconds, int but)
{
    long before;

#ifdef __SANITIZE_THREAD__
    return; /* its own thread wakes all the time */
#endif
    sleep(3); /* what happened last is dealt with */
    before = switches(but);
    sleep(seconds);
    assert_int_equal(switches(but), before);
}

static void nobody_wakes_while_nothing_happens(void **state)
{
    struct emulator e = { 0 };
    struct reader *reader;
    pthread_t waiter;

    (void)state;
    readers_list(readers, &list);
    pthread_create(&waiter, NULL, wait_once, NULL);
    assert_nobody_wakes(5, 0);
    readers_wake(readers);
    pthread_join(waiter, NULL);

    insert(&e);
    reader = connect_card();
    assert_echo(reader);
    pthread_create(&waiter, NULL, wait_once, NULL);
    assert_nobody_wakes(5, e.tid);
    reader_disconnect(&reader);
    emulator_stop(&e);
    pthread_join(waiter, NULL);
    wait_present(false);
}

static void nobody_wakes_while_there_is_no_service(void **state)
{
    pthread_t waiter;

    (void)state;
    stop_service();
    wait_service(GPG_ERR_NO_SERVICE);
    pthread_create(&waiter, NULL, wait_once, NULL);
    assert_nobody_wakes(5, 0); /* with a stale socket */
    unlink(getenv("PCSCLITE_CSOCK_NAME"));
    assert_nobody_wakes(5, 0);
    start_service();
    pthread_join(waiter, NULL);
    wait_service(0);
}

static void wake_is_never_lost(void **state)
{
    (void)state;
    readers_list(readers, &list);
    for (int i = 0; i < 200; i++) {
        pthread_t waiter;

        pthread_create(&waiter, NULL, wait_once, NULL);
        for (volatile int spin = 0; spin < i * 100; spin++)
            ;
        readers_wake(readers);
        pthread_join(waiter, NULL);
    }
}

static void opens_and_closes_at_any_time(void **state)
{
    (void)state;
    for (useconds_t i = 0; i < 40; i++) {
        int64_t start;

        readers_close(&readers);
        assert_int_equal(readers_open("pcsc", &readers), 0);
        usleep(i * 100);
        start = monotonic_ms();
        readers_close(&readers);
        assert_true(monotonic_ms() - start < 5000);
        assert_int_equal(readers_open("pcsc", &readers), 0);
    }
}

#define PCSC_TEST(test) cmocka_unit_test_setup_teardown(test, open_readers, close_readers)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        PCSC_TEST(empty_reader_is_listed),
        PCSC_TEST(insertion_and_removal_are_noticed),
        PCSC_TEST(card_answers),
        PCSC_TEST(answers_of_every_length),
        PCSC_TEST(card_exchanged_while_nobody_looked_is_another),
        PCSC_TEST(card_that_leaves_during_a_command),
        PCSC_TEST(card_exchanged_during_a_command_is_not_lost),
        PCSC_TEST(slow_card_times_out_and_the_next_connection_works),
        PCSC_TEST(stopped_service_times_out_and_recovers),
        PCSC_TEST(closing_does_not_wait_for_a_stopped_service),
        PCSC_TEST(hanging_connections_are_limited),
        PCSC_TEST(killed_service_comes_back),
        PCSC_TEST(service_killed_during_a_command),
        PCSC_TEST(service_absent_at_first_is_used_when_it_comes),
        PCSC_TEST(reader_held_exclusively_is_locked),
        PCSC_TEST(begin_waits_for_anothers_transaction),
        PCSC_TEST(late_transaction_begins_with_its_first_command),
        PCSC_TEST(late_transaction_that_cannot_begin_sends_nothing),
        PCSC_TEST(reset_by_another_is_told_once),
        PCSC_TEST(only_readers_of_the_name_are_listed),
        PCSC_TEST(wake_is_never_lost),
        PCSC_TEST(opens_and_closes_at_any_time),
        PCSC_TEST(nobody_wakes_while_nothing_happens),
        PCSC_TEST(nobody_wakes_while_there_is_no_service),
    };

    self = argv[0];
    if (argc == 4 && strcmp(argv[1], "--other") == 0)
        return be_other(argv[2], (int)strtol(argv[3], NULL, 10));
    if (argc == 2)
        cmocka_set_test_filter(argv[1]);
    if (!getenv("VPCD_PORT") || !getenv("PCSCD_START")) {
        fprintf(stderr, "%s: run me under with-pcscd\n", argv[0]);
        return 2;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
