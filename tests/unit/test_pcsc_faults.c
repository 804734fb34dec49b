/* The PC/SC back end over a library that fails in every way. */
#include "ccid/lane.h"
#include "ccid/pcsc_card.h"
#include "ccid/reader.h"
#include "tests/unit/cmocka_all.h"
#include "tests/unit/fake_winscard.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SOON      5000 /* ms; longer than anything that works takes */
#define BRIEF     40   /* ms that a deadline lasts which is meant to pass */
#define NAME      "Reader 00 00"
#define PRESENT   SCARD_STATE_PRESENT
#define CODE(err) gpg_err_code(err)
#define NAP_MS(n) usleep((n)*1000)

static char folder[] = "/tmp/cardea-pcsc-XXXXXX";
static char socket_path[64];
static struct readers *readers;
static struct reader_list list;

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(socket_path, sizeof socket_path, "%s/pcscd.comm", folder);
    return setenv("PCSCLITE_CSOCK_NAME", socket_path, 1);
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

static int open_readers(void **state)
{
    (void)state;
    fake_reset();
    fake_reader(NAME, PRESENT | 1 << 16);
    return readers_open("pcsc", &readers) != 0;
}

static int close_readers(void **state)
{
    (void)state;
    for (int call = 0; call < FAKE_CALLS; call++)
        fake_block((enum fake_call)call, false);
    readers_close(&readers);
    while (lanes_abandoned() > 0)
        NAP_MS(1);
    assert_int_equal(fake_connections(), 0);
    assert_int_equal(fake_contexts(), 0);
    assert_false(fake_misused());
    return 0;
}

static gpg_error_t connect_card(struct reader **reader, int ms)
{
    *reader = NULL;
    return reader_connect(readers, NAME, deadline_in_ms(ms), reader);
}

static struct reader *connected(void)
{
    struct reader *reader;

    assert_int_equal(connect_card(&reader, SOON), 0);
    return reader;
}

static gpg_error_t transmit(struct reader *reader, struct buffer *answer, int ms)
{
    return reader_transmit(reader, view_of("\0\1\2\3", 4), answer, deadline_in_ms(ms));
}

static void assert_works(struct reader *reader)
{
    struct buffer answer = BUFFER(16);

    assert_int_equal(transmit(reader, &answer, SOON), 0);
    assert_int_equal(answer.len, 6);
    assert_memory_equal(answer.data, "\0\1\2\3\x90\0", 6);
    buffer_free(&answer);
}

static void await_service(gpg_err_code_t code)
{
    for (;;) {
        readers_list(readers, &list);
        if (CODE(list.service) == code)
            return;
        readers_wait(readers);
    }
}

static const struct {
    LONG code;
    gpg_err_code_t connecting, connected;
} meanings[] = {
    { SCARD_W_RESET_CARD, GPG_ERR_CARD_RESET, GPG_ERR_CARD_RESET },
    { SCARD_W_REMOVED_CARD, GPG_ERR_CARD_NOT_PRESENT, GPG_ERR_CARD_REMOVED },
    { SCARD_E_NO_SMARTCARD, GPG_ERR_CARD_NOT_PRESENT, GPG_ERR_CARD_REMOVED },
    { SCARD_E_READER_UNAVAILABLE, GPG_ERR_CARD_NOT_PRESENT, GPG_ERR_CARD_REMOVED },
    { SCARD_E_UNKNOWN_READER, GPG_ERR_CARD_NOT_PRESENT, GPG_ERR_CARD_REMOVED },
    { SCARD_E_INVALID_VALUE, GPG_ERR_CARD_NOT_PRESENT, GPG_ERR_CARD_REMOVED },
    { SCARD_E_SHARING_VIOLATION, GPG_ERR_LOCKED, GPG_ERR_LOCKED },
    { SCARD_E_NO_SERVICE, GPG_ERR_NO_SERVICE, GPG_ERR_NO_SERVICE },
    { SCARD_E_SERVICE_STOPPED, GPG_ERR_NO_SERVICE, GPG_ERR_NO_SERVICE },
    { SCARD_F_COMM_ERROR, GPG_ERR_NO_SERVICE, GPG_ERR_NO_SERVICE },
    { SCARD_E_INVALID_HANDLE, GPG_ERR_NO_SERVICE, GPG_ERR_NO_SERVICE },
    { SCARD_W_SECURITY_VIOLATION, GPG_ERR_EACCES, GPG_ERR_NO_SERVICE },
    { SCARD_E_NO_MEMORY, GPG_ERR_ENOMEM, GPG_ERR_ENOMEM },
    { SCARD_E_TIMEOUT, GPG_ERR_TIMEOUT, GPG_ERR_TIMEOUT },
    { SCARD_E_NOT_TRANSACTED, GPG_ERR_CARD, GPG_ERR_CARD },
    { SCARD_W_UNRESPONSIVE_CARD, GPG_ERR_CARD, GPG_ERR_CARD },
    { SCARD_W_UNPOWERED_CARD, GPG_ERR_CARD, GPG_ERR_CARD },
    { SCARD_E_NOT_READY, GPG_ERR_CARD, GPG_ERR_CARD },
    { SCARD_E_COMM_DATA_LOST, GPG_ERR_CARD, GPG_ERR_CARD },
    { SCARD_W_UNSUPPORTED_CARD, GPG_ERR_CARD, GPG_ERR_CARD },
    { SCARD_E_PROTO_MISMATCH, GPG_ERR_CARD, GPG_ERR_CARD },
    { SCARD_F_INTERNAL_ERROR, GPG_ERR_CARD, GPG_ERR_CARD },
    { 1, GPG_ERR_CARD, GPG_ERR_CARD },
};

/* What a call returns when the library's does, on a connection of its own. */
static gpg_err_code_t begin_with(LONG code, LONG reconnect)
{
    struct reader *reader = connected();
    gpg_error_t err;

    fake_fail_once(FAKE_BEGIN, code);
    fake_fail_once(FAKE_RECONNECT, reconnect);
    err = reader_begin(reader, deadline_in_ms(SOON));
    fake_fail_once(FAKE_RECONNECT, 0);
    reader_disconnect(&reader);
    return CODE(err);
}

static gpg_err_code_t reset_with(LONG code)
{
    struct reader *reader = connected();
    gpg_error_t err;

    fake_fail_once(FAKE_RECONNECT, code);
    err = reader_reset(reader, deadline_in_ms(SOON));
    reader_disconnect(&reader);
    return CODE(err);
}

/* With a reset by another program first, or without. */
static gpg_err_code_t transmit_with(LONG code, LONG reconnect)
{
    struct buffer answer = BUFFER(16);
    struct reader *reader = connected();
    gpg_error_t err;

    fake_fail_once(FAKE_TRANSMIT, code);
    fake_fail_once(FAKE_RECONNECT, reconnect);
    err = transmit(reader, &answer, SOON);
    assert_int_equal(answer.len, 0);
    fake_fail_once(FAKE_RECONNECT, 0);
    reader_disconnect(&reader);
    buffer_free(&answer);
    return CODE(err);
}

static gpg_err_code_t connect_with(LONG code)
{
    struct reader *reader;
    gpg_error_t err;

    fake_fail(FAKE_CONNECT, code);
    err = connect_card(&reader, SOON);
    fake_fail(FAKE_CONNECT, 0);
    assert_null(reader);
    return CODE(err);
}

/* Whatever it was: the machine slept, the card is mute, the reader was another for a moment. */
static void assert_next_connection_works(void)
{
    struct reader *reader = connected();

    assert_int_equal(reader_begin(reader, deadline_in_ms(SOON)), 0);
    assert_works(reader);
    reader_end(reader);
    reader_disconnect(&reader);
}

static void every_code_of_every_call(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++) {
        LONG code = meanings[i].code;

        assert_int_equal(connect_with(code), meanings[i].connecting);
        assert_next_connection_works();
        assert_int_equal(begin_with(code, 0), meanings[i].connected);
        assert_int_equal(begin_with(SCARD_W_RESET_CARD, code), meanings[i].connected);
        assert_int_equal(reset_with(code), meanings[i].connected);
        assert_int_equal(transmit_with(code, 0), meanings[i].connected);
        assert_int_equal(transmit_with(SCARD_W_RESET_CARD, code), meanings[i].connected);
        assert_next_connection_works();
    }
    assert_int_equal(fake_count(FAKE_END), 2 * sizeof meanings / sizeof meanings[0]);
}

/* Only for so long as a service may take to see that its client has ended. */
static void holder_that_is_just_ending_is_waited_for(void **state)
{
    struct reader *reader;

    (void)state;
    fake_fail_once(FAKE_CONNECT, SCARD_E_SHARING_VIOLATION);
    reader = connected();
    assert_int_equal(fake_count(FAKE_CONNECT), 2);
    assert_works(reader);
    reader_disconnect(&reader);
    assert_int_equal(connect_with(SCARD_E_SHARING_VIOLATION), GPG_ERR_LOCKED);
    assert_int_equal(fake_count(FAKE_CONNECT), 2 + 5);
}

static void connection_that_ended_is_not_used(void **state)
{
    struct buffer answer = BUFFER(16);
    struct reader *reader = connected();

    (void)state;
    fake_fail_once(FAKE_TRANSMIT, SCARD_E_NOT_TRANSACTED);
    assert_int_equal(CODE(transmit(reader, &answer, SOON)), GPG_ERR_CARD);
    assert_int_equal(CODE(transmit(reader, &answer, SOON)), GPG_ERR_CARD);
    assert_int_equal(CODE(reader_begin(reader, deadline_in_ms(SOON))), GPG_ERR_CARD);
    assert_int_equal(CODE(reader_reset(reader, deadline_in_ms(SOON))), GPG_ERR_CARD);
    assert_int_equal(fake_count(FAKE_TRANSMIT), 1);
    assert_int_equal(fake_count(FAKE_BEGIN), 0);
    assert_int_equal(fake_count(FAKE_RECONNECT), 0);
    reader_disconnect(&reader);
    buffer_free(&answer);
}

static void failed_answer_leaves_nothing_behind(void **state)
{
    struct reader *reader = connected();
    struct buffer answer = BUFFER(16);

    (void)state;
    assert_works(reader);
    fake_fail_once(FAKE_TRANSMIT, SCARD_F_COMM_ERROR);
    assert_int_equal(CODE(transmit(reader, &answer, SOON)), GPG_ERR_NO_SERVICE);
    assert_int_equal(answer.len, 0);
    reader_disconnect(&reader);
    buffer_free(&answer);
}

static void refusal_is_told_from_a_service_that_ends(void **state)
{
    struct reader *reader;

    (void)state;
    fake_fail_once(FAKE_CONNECT, SCARD_W_SECURITY_VIOLATION);
    fake_fail_once(FAKE_RELEASE, SCARD_F_COMM_ERROR);
    assert_int_equal(CODE(connect_card(&reader, SOON)), GPG_ERR_NO_SERVICE);
    fake_fail_once(FAKE_ESTABLISH, SCARD_W_SECURITY_VIOLATION);
    reader = connected();
    reader_disconnect(&reader);
    fake_fail(FAKE_ESTABLISH, SCARD_W_SECURITY_VIOLATION);
    assert_int_equal(CODE(connect_card(&reader, SOON)), GPG_ERR_EACCES);
    assert_int_equal(fake_contexts(), 1);
}

static void list_says_why_it_is_empty(void **state)
{
    (void)state;
    await_service(0);
    assert_int_equal(list.count, 1);
    close(open(socket_path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    fake_fail(FAKE_ESTABLISH, SCARD_W_SECURITY_VIOLATION);
    fake_fail(FAKE_STATUS_CHANGE, SCARD_E_SERVICE_STOPPED);
    await_service(GPG_ERR_NO_SERVICE);
    assert_int_equal(list.count, 0);
    await_service(GPG_ERR_EACCES);
    assert_int_equal(list.count, 0);
    fake_fail(FAKE_ESTABLISH, SCARD_E_NO_SERVICE);
    await_service(GPG_ERR_NO_SERVICE);
    fake_fail(FAKE_ESTABLISH, 0);
    fake_fail(FAKE_STATUS_CHANGE, 0);
    await_service(0); /* asking for the list is worth another try */
    unlink(socket_path);
}

static void protocol_is_the_cards(void **state)
{
    struct reader *reader;

    (void)state;
    fake_protocol(SCARD_PROTOCOL_T0);
    reader = connected();
    assert_works(reader);
    assert_int_equal(fake_sent_protocol(), SCARD_PROTOCOL_T0);
    reader_disconnect(&reader);
    fake_protocol(SCARD_PROTOCOL_T1);
    reader = connected();
    assert_works(reader);
    assert_int_equal(fake_sent_protocol(), SCARD_PROTOCOL_T1);
    assert_int_equal(reader_reset(reader, deadline_in_ms(SOON)), 0);
    assert_int_equal(fake_initialization(), SCARD_RESET_CARD);
    fake_fail_once(FAKE_TRANSMIT, SCARD_W_RESET_CARD);
    assert_int_equal(CODE(transmit(reader, &BUFFER(16), SOON)), GPG_ERR_CARD_RESET);
    assert_int_equal(fake_initialization(), SCARD_LEAVE_CARD);
    reader_disconnect(&reader);
}

static void atr_comes_from_the_driver_or_the_list(void **state)
{
    struct reader *reader = connected();

    (void)state;
    assert_true(view_equal(reader_atr(reader), view_of("\x3b\1\2", 3)));
    reader_disconnect(&reader);
    await_service(0);
    fake_fail(FAKE_ATTRIBUTE, SCARD_E_UNSUPPORTED_FEATURE);
    reader = connected();
    assert_true(view_equal(reader_atr(reader), view_of("\x3b\x77", 2)));
    reader_disconnect(&reader);
}

static void transaction_ends_once(void **state)
{
    struct reader *reader = connected();

    (void)state;
    assert_int_equal(reader_begin(reader, deadline_in_ms(SOON)), 0);
    reader_end(reader);
    reader_end(reader);
    assert_works(reader);
    assert_int_equal(fake_count(FAKE_END), 1);
    assert_int_equal(reader_begin(reader, deadline_in_ms(SOON)), 0);
    reader_disconnect(&reader);
    assert_int_equal(fake_count(FAKE_END), 2);
}

/* Makes `call` hang and checks that `err` came in time; the rest is close_readers's. */
static void assert_in_time(int64_t start, gpg_error_t err, gpg_err_code_t code)
{
    assert_int_equal(CODE(err), code);
    assert_true(monotonic_ms() - start >= BRIEF);
    assert_true(monotonic_ms() - start < BRIEF + 2000);
    assert_int_equal(lanes_abandoned(), 1);
}

static void release(enum fake_call call)
{
    fake_block(call, false);
    while (lanes_abandoned() > 0)
        NAP_MS(1);
}

static void call_that_hangs_costs_its_deadline(void **state)
{
    static const enum fake_call connecting[] = { FAKE_ESTABLISH, FAKE_CONNECT, FAKE_ATTRIBUTE };
    struct buffer answer = BUFFER(16);
    struct reader *reader;
    int64_t start;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        fake_block(connecting[i], true);
        start = monotonic_ms();
        assert_in_time(start, connect_card(&reader, BRIEF), GPG_ERR_TIMEOUT);
        release(connecting[i]);
    }
    reader = connected();
    fake_block(FAKE_BEGIN, true);
    start = monotonic_ms();
    assert_in_time(start, reader_begin(reader, deadline_in_ms(BRIEF)), GPG_ERR_LOCKED);
    reader_end(reader);
    reader_disconnect(&reader);
    release(FAKE_BEGIN);
    assert_int_equal(fake_count(FAKE_END), 1); /* of the transaction that came too late */
    reader = connected();
    fake_block(FAKE_TRANSMIT, true);
    start = monotonic_ms();
    assert_in_time(start, transmit(reader, &answer, BRIEF), GPG_ERR_TIMEOUT);
    assert_int_equal(CODE(transmit(reader, &answer, SOON)), GPG_ERR_TIMEOUT);
    reader_disconnect(&reader);
    release(FAKE_TRANSMIT);
    reader = connected();
    fake_block(FAKE_RECONNECT, true);
    start = monotonic_ms();
    assert_in_time(start, reader_reset(reader, deadline_in_ms(BRIEF)), GPG_ERR_TIMEOUT);
    reader_disconnect(&reader);
    release(FAKE_RECONNECT);
}

/* Its beginning fails, hangs, or what follows it does: told by the command, sent once or never. */
static void late_transaction_in_every_trouble(void **state)
{
    struct buffer answer = BUFFER(16);
    struct reader *reader = connected();
    int64_t start;

    (void)state;
    fake_fail_once(FAKE_BEGIN, SCARD_W_RESET_CARD);
    reader_begin_late(reader, deadline_in_ms(SOON));
    assert_int_equal(CODE(transmit(reader, &answer, SOON)), GPG_ERR_CARD_RESET);
    assert_int_equal(CODE(transmit(reader, &answer, SOON)), GPG_ERR_NOT_INITIALIZED);
    reader_end(reader);
    assert_int_equal(fake_count(FAKE_TRANSMIT) + fake_count(FAKE_END), 0);
    reader_begin_late(reader, deadline_in_ms(SOON));
    assert_works(reader);
    fake_fail_once(FAKE_TRANSMIT, SCARD_W_RESET_CARD);
    assert_int_equal(CODE(transmit(reader, &answer, SOON)), GPG_ERR_CARD_RESET);
    reader_end(reader);
    assert_works(reader);
    assert_int_equal(fake_count(FAKE_END), 1);
    fake_block(FAKE_BEGIN, true);
    reader_begin_late(reader, deadline_in_ms(BRIEF));
    start = monotonic_ms();
    assert_in_time(start, transmit(reader, &answer, SOON), GPG_ERR_LOCKED);
    reader_end(reader);
    reader_disconnect(&reader);
    release(FAKE_BEGIN);
    assert_int_equal(fake_count(FAKE_END), 2);
    assert_int_equal(fake_count(FAKE_TRANSMIT), 3);
    reader = connected();
    fake_block(FAKE_TRANSMIT, true);
    reader_begin_late(reader, deadline_in_ms(BRIEF / 2));
    start = monotonic_ms();
    assert_in_time(start, transmit(reader, &answer, BRIEF), GPG_ERR_TIMEOUT);
    reader_end(reader);
    reader_disconnect(&reader);
    release(FAKE_TRANSMIT);
    assert_int_equal(fake_count(FAKE_END), 3);
}

/* It begins in the moment in which it is given up: it is over before the connection is. */
static void transaction_that_was_given_up_ends_at_once(void **state)
{
    struct pcsc_card *card;

    (void)state;
    assert_int_equal(pcsc_card_new(NAME, &card), 0);
    pcsc_card_connect(card);
    assert_int_equal(card->err, 0);
    atomic_store(&card->begin, PCSC_GIVEN_UP);
    pcsc_card_begin_and_transmit(card);
    assert_int_equal(fake_count(FAKE_BEGIN), 1);
    assert_int_equal(fake_count(FAKE_TRANSMIT), 0);
    assert_int_equal(fake_count(FAKE_END), 1);
    pcsc_card_release(card);
    assert_int_equal(fake_count(FAKE_END), 1);
}

static void end_that_hangs_costs_the_next_its_deadline(void **state)
{
    struct buffer answer = BUFFER(16);
    struct reader *reader = connected();
    int64_t start;

    (void)state;
    assert_int_equal(reader_begin(reader, deadline_in_ms(SOON)), 0);
    fake_block(FAKE_END, true);
    start = monotonic_ms();
    reader_end(reader);
    assert_true(monotonic_ms() - start < 1000);
    assert_in_time(start, transmit(reader, &answer, BRIEF), GPG_ERR_TIMEOUT);
    reader_disconnect(&reader);
    release(FAKE_END);
    reader = connected();
    fake_block(FAKE_DISCONNECT, true);
    start = monotonic_ms();
    reader_disconnect(&reader);
    assert_true(monotonic_ms() - start < 1000);
    release(FAKE_DISCONNECT);
}

static void closing_leaves_a_hanging_watcher(void **state)
{
    static const enum fake_call calls[] = { FAKE_ESTABLISH, FAKE_LIST, FAKE_STATUS_CHANGE,
                                            FAKE_RELEASE };

    (void)state;
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        int64_t start;

        readers_close(&readers);
        fake_block(calls[i], true);
        assert_int_equal(readers_open("pcsc", &readers), 0);
        readers_list(readers, &list);
        assert_int_equal(CODE(list.service),
                         calls[i] == FAKE_RELEASE ? 0 : (unsigned)GPG_ERR_EAGAIN);
        start = monotonic_ms();
        readers_close(&readers);
        assert_true(monotonic_ms() - start < 3000);
        assert_int_equal(lanes_abandoned(), 1);
        release(calls[i]);
        assert_int_equal(fake_contexts(), 0);
        assert_int_equal(readers_open("pcsc", &readers), 0);
    }
}

static void restless_service_does_not_make_us_spin(void **state)
{
    unsigned before;

    (void)state;
    fake_restless(true);
    NAP_MS(1000);
    before = fake_count(FAKE_STATUS_CHANGE);
    NAP_MS(1000);
    assert_true(fake_count(FAKE_STATUS_CHANGE) - before <= 10);
    fake_restless(false);
}

static void service_that_ends_at_once_does_not_make_us_spin(void **state)
{
    unsigned before;

    (void)state;
    fake_fail(FAKE_STATUS_CHANGE, SCARD_E_NO_SERVICE);
    before = fake_count(FAKE_ESTABLISH);
    NAP_MS(1000);
    assert_true(fake_count(FAKE_ESTABLISH) - before <= 10);
    fake_fail(FAKE_STATUS_CHANGE, 0);
}

static void reader_of_no_state_does_not_make_us_spin(void **state)
{
    unsigned before;

    (void)state;
    fake_reader(NULL, 0);
    fake_reader(NAME, 0);
    NAP_MS(200);
    before = fake_count(FAKE_STATUS_CHANGE);
    NAP_MS(500);
    assert_true(fake_count(FAKE_STATUS_CHANGE) - before <= 5);
}

static void service_that_lies_about_readers_does_not_make_us_spin(void **state)
{
    unsigned before;

    (void)state;
    fake_fail(FAKE_STATUS_CHANGE, SCARD_E_UNKNOWN_READER);
    NAP_MS(1000);
    before = fake_count(FAKE_STATUS_CHANGE);
    NAP_MS(1000);
    assert_true(fake_count(FAKE_STATUS_CHANGE) - before <= 10);
    fake_fail(FAKE_STATUS_CHANGE, 0);
}

static const struct reader_info *info_of(const char *name)
{
    readers_list(readers, &list);
    for (size_t i = 0; i < list.count; i++) {
        if (strcmp(list.info[i].name, name) == 0)
            return &list.info[i];
    }
    return NULL;
}

static void cards_are_told_apart(void **state)
{
    uint32_t insertion = info_of(NAME)->insertion;

    (void)state;
    assert_true(info_of(NAME)->present);
    fake_reader(NAME, PRESENT | 3 << 16); /* out and in again */
    while (info_of(NAME)->insertion == insertion)
        readers_wait(readers);
    insertion = info_of(NAME)->insertion;
    fake_reader(NAME, PRESENT | SCARD_STATE_EXCLUSIVE | 3 << 16);
    while (!info_of(NAME)->exclusive)
        readers_wait(readers);
    assert_int_equal(info_of(NAME)->insertion, insertion);
    fake_reader(NAME, PRESENT | SCARD_STATE_INUSE | 3 << 16);
    while (info_of(NAME)->exclusive)
        readers_wait(readers);
    assert_int_equal(info_of(NAME)->insertion, insertion);
    fake_reader(NAME, SCARD_STATE_EMPTY | 4 << 16);
    while (info_of(NAME)->present)
        readers_wait(readers);
    fake_fail(FAKE_STATUS_CHANGE, SCARD_E_NO_SERVICE); /* another service that counts the same */
    fake_reader(NAME, PRESENT | 3 << 16);
    await_service(GPG_ERR_NO_SERVICE);
    fake_fail(FAKE_STATUS_CHANGE, 0);
    await_service(0);
    while (!info_of(NAME) || !info_of(NAME)->present)
        readers_wait(readers);
    assert_int_not_equal(info_of(NAME)->insertion, insertion);
}

static void reader_added_while_we_fell_asleep_is_found(void **state)
{
    int64_t start;

    (void)state;
    fake_reader(NAME, SCARD_STATE_EMPTY | 2 << 16);
    while (info_of(NAME)->present)
        readers_wait(readers);
    fake_reader_silently("Late", PRESENT | 1 << 16);
    start = monotonic_ms();
    while (!info_of("Late"))
        readers_wait(readers);
    assert_true(monotonic_ms() - start < 2000);
    NAP_MS(1500);
    assert_non_null(info_of("Late"));
}

static void odd_names(void **state)
{
    char fits[READER_NAME_MAX], long_name[READER_NAME_MAX + 1];

    (void)state;
    memset(fits, 'f', sizeof fits);
    fits[READER_NAME_MAX - 1] = '\0';
    memset(long_name, 'l', sizeof long_name);
    long_name[READER_NAME_MAX] = '\0';
    fake_reader(fits, PRESENT | 1 << 16);
    fake_reader(long_name, PRESENT | 1 << 16);
    fake_reader("\x1b[2J\n\xff", PRESENT | 1 << 16);
    while (!info_of("\x1b[2J\n\xff"))
        readers_wait(readers);
    assert_non_null(info_of(fits));
    assert_int_equal(list.count, 3);
    assert_int_equal(
        CODE(reader_connect(readers, long_name, deadline_in_ms(SOON), &(struct reader *){ NULL })),
        GPG_ERR_CARD_NOT_PRESENT);
}

static void more_readers_than_the_library_takes(void **state)
{
    size_t asked = 0;

    (void)state;
    readers_list(readers, &list);
    assert_true(fake_notified(&asked));
    for (int i = 0; i < 18; i++) {
        char name[32];

        snprintf(name, sizeof name, "Reader %d", i);
        fake_reader(name, SCARD_STATE_EMPTY);
    }
    do {
        readers_wait(readers);
        readers_list(readers, &list);
    } while (list.count < 16);
    assert_int_equal(list.count, 16);
    while (fake_notified(&asked))
        NAP_MS(1);
    assert_int_equal(asked, 16);
}

#define FAULT_TEST(test) cmocka_unit_test_setup_teardown(test, open_readers, close_readers)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FAULT_TEST(every_code_of_every_call),
        FAULT_TEST(holder_that_is_just_ending_is_waited_for),
        FAULT_TEST(connection_that_ended_is_not_used),
        FAULT_TEST(failed_answer_leaves_nothing_behind),
        FAULT_TEST(refusal_is_told_from_a_service_that_ends),
        FAULT_TEST(list_says_why_it_is_empty),
        FAULT_TEST(protocol_is_the_cards),
        FAULT_TEST(atr_comes_from_the_driver_or_the_list),
        FAULT_TEST(transaction_ends_once),
        FAULT_TEST(call_that_hangs_costs_its_deadline),
        FAULT_TEST(late_transaction_in_every_trouble),
        FAULT_TEST(transaction_that_was_given_up_ends_at_once),
        FAULT_TEST(end_that_hangs_costs_the_next_its_deadline),
        FAULT_TEST(closing_leaves_a_hanging_watcher),
        FAULT_TEST(restless_service_does_not_make_us_spin),
        FAULT_TEST(service_that_ends_at_once_does_not_make_us_spin),
        FAULT_TEST(reader_of_no_state_does_not_make_us_spin),
        FAULT_TEST(service_that_lies_about_readers_does_not_make_us_spin),
        FAULT_TEST(cards_are_told_apart),
        FAULT_TEST(reader_added_while_we_fell_asleep_is_found),
        FAULT_TEST(odd_names),
        FAULT_TEST(more_readers_than_the_library_takes),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
