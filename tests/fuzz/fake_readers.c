#include "tests/fuzz/fake_readers.h"

#include "ccid/reader.h"
#include "tests/token/token.h"

#include <pthread.h>

#define INS_VERIFY 0x20
#define INS_PSO    0x2a
#define TRIES      3

static const char state[] =
    "cardea-token 1\n"
    "pw1 313233343536\npw1-tries 03\npw3 3132333435363738\npw3-tries 03\n"
    "name 416C696365\nurl 68747470733A2F2F6578616D706C652E6F7267\n"
    "sign-attributes 162B06010401DA470F01\nsign-origin 02\n"
    "sign-fingerprint 1111111111111111111111111111111111111111\n"
    "sign-d 4CCD089B28FF96DA9DB6C346EC114E0F5B8A319F35ABA624DA8CF6ED4FB8A6FB\n"
    "decrypt-attributes 122B060104019755010501\ndecrypt-origin 02\n"
    "decrypt-fingerprint 2222222222222222222222222222222222222222\n"
    "decrypt-d 77076D0A7318A57D3C16C17251B26645DF4C31A8A7A1C3C2C3B8B3C1A5C8B95A\n"
    "authenticate-attributes 010800002000\n"
    "end\n";

struct fake_readers fake_readers;

/* Everything is used by one thread at a time, but for the watcher's sleep. */
struct readers {
    pthread_mutex_t mutex;
    pthread_cond_t woken;
    bool wake;
};

struct reader {
    bool begun;
};

static struct token *token;
static unsigned tries;
static struct view atr;

static void make_token(void)
{
    struct token_options options;

    token_default_options(&options);
    options.extended_length = true;
    FUZZ_CHECK(!token_new(&options, &token));
    FUZZ_CHECK(!token_load(token, view_of(state, sizeof state - 1)));
    atr = token_atr(token);
}

void fake_readers_begin(struct view faults)
{
    if (!token)
        make_token();
    token_reset(token);
    tries = TRIES;
    fake_readers = (struct fake_readers){ .faults = faults };
}

gpg_error_t readers_open(const char *spec, struct readers **r_readers)
{
    struct readers *readers = calloc(1, sizeof *readers);

    (void)spec;
    FUZZ_CHECK(readers);
    pthread_mutex_init(&readers->mutex, NULL);
    pthread_cond_init(&readers->woken, NULL);
    *r_readers = readers;
    return 0;
}

void readers_close(struct readers **readers)
{
    FUZZ_CHECK(fake_readers.connected == 0);
    pthread_cond_destroy(&(*readers)->woken);
    pthread_mutex_destroy(&(*readers)->mutex);
    free(*readers);
    *readers = NULL;
}

const char *readers_spec(const struct readers *readers)
{
    (void)readers;
    return "fake";
}

void readers_list(struct readers *readers, struct reader_list *list)
{
    (void)readers;
    *list = (struct reader_list){ .count = 1 };
    list->info[0] = (struct reader_info){ .name = "fake", .present = true, .insertion = 1 };
}

void readers_wait(struct readers *readers)
{
    pthread_mutex_lock(&readers->mutex);
    while (!readers->wake)
        pthread_cond_wait(&readers->woken, &readers->mutex);
    readers->wake = false;
    pthread_mutex_unlock(&readers->mutex);
}

void readers_wake(struct readers *readers)
{
    pthread_mutex_lock(&readers->mutex);
    readers->wake = true;
    pthread_cond_signal(&readers->woken);
    pthread_mutex_unlock(&readers->mutex);
}

bool readers_held_by(struct readers *readers, const char *reader, char *out)
{
    (void)readers;
    (void)reader;
    out[0] = '\0';
    return false;
}

void readers_interrupt(struct readers *readers)
{
    (void)readers;
}

void readers_share(struct readers *readers, enum readers_share how, int64_t after_ms)
{
    (void)readers, (void)how, (void)after_ms;
}

enum reader_length reader_length(const struct reader *reader)
{
    (void)reader;
    return READER_LENGTH_UNKNOWN;
}

gpg_error_t reader_connect(struct readers *readers, const char *name, struct deadline deadline,
                           struct reader **r_reader)
{
    (void)readers;
    (void)name;
    (void)deadline;
    *r_reader = calloc(1, sizeof **r_reader);
    FUZZ_CHECK(*r_reader);
    fake_readers.connected++;
    return 0;
}

void reader_disconnect(struct reader **reader)
{
    if (!*reader)
        return;
    fake_readers.connected--;
    free(*reader);
    *reader = NULL;
}

struct view reader_atr(const struct reader *reader)
{
    (void)reader;
    return atr;
}

gpg_error_t reader_begin(struct reader *reader, struct deadline deadline)
{
    (void)deadline;
    FUZZ_CHECK(!reader->begun);
    reader->begun = true;
    return 0;
}

void reader_begin_late(struct reader *reader, struct deadline deadline)
{
    (void)reader_begin(reader, deadline);
}

void reader_end(struct reader *reader)
{
    reader->begun = false;
}

/* An error, or 0 with *sw the status word to answer with, 0 for what the card itself says. */
static gpg_error_t next_fault(struct buffer *answer, uint16_t *sw)
{
    static const gpg_err_code_t errors[] = { 0,
                                             GPG_ERR_CARD_REMOVED,
                                             GPG_ERR_CARD_RESET,
                                             GPG_ERR_TIMEOUT,
                                             GPG_ERR_CARD,
                                             GPG_ERR_NO_SERVICE,
                                             GPG_ERR_LOCKED,
                                             GPG_ERR_EACCES };
    uint8_t fault = 0, second = 0;
    struct view octets;

    *sw = 0;
    if (!view_u8(&fake_readers.faults, &fault))
        return 0;
    if (fault < 8)
        return gpg_error(errors[fault]);
    (void)view_u8(&fake_readers.faults, &second);
    if (fault < 0x60) {
        *sw = 0x9000;
        return view_take(&fake_readers.faults, 2 * (size_t)second, &octets)
                   ? buffer_append_view(answer, octets)
                   : 0;
    }
    *sw = (uint16_t)(fault << 8 | second);
    return 0;
}

static uint16_t verify(struct view command)
{
    struct view pin = view_of(command.data + 5, command.len - 5);

    FUZZ_CHECK(pin.len >= 6 && pin.len <= 127 && pin.len == command.data[4]);
    if (tries == 0)
        return 0x6983;
    if (view_equal(pin, view_of("123456", 6))) {
        tries = TRIES;
        return 0x9000;
    }
    tries--;
    return 0x6982;
}

/* The tries that the card tells are ours. */
static void put_tries(struct buffer *answer)
{
    static const uint8_t head[] = { 0xc4, 0x07 };

    for (size_t i = 0; i + 9 <= answer->len; i++) {
        if (memcmp(answer->data + i, head, sizeof head) == 0)
            answer->data[i + 6] = (uint8_t)tries;
    }
}

gpg_error_t reader_transmit(struct reader *reader, struct view command, struct buffer *answer,
                            struct deadline deadline)
{
    uint8_t secret[32];
    bool sends_pin;
    gpg_error_t err;
    uint16_t sw;

    FUZZ_CHECK(reader->begun && command.len >= 4);
    buffer_clear(answer);
    if (deadline_passed(deadline))
        return gpg_error(GPG_ERR_TIMEOUT);
    sends_pin = command.data[1] == INS_VERIFY && command.len > 5;
    fake_readers.pins_sent += sends_pin;
    err = next_fault(answer, &sw);
    if (err)
        return err;
    if (sends_pin && !sw)
        sw = verify(command);
    fake_readers.pins_taken += sends_pin && sw == 0x9000;
    if (sw)
        return buffer_append_u16(answer, sw);
    if (command.data[1] == INS_PSO) {
        memset(secret, 0x55, sizeof secret);
        err = buffer_append(answer, secret, sizeof secret);
        return err ? err : buffer_append_u16(answer, 0x9000);
    }
    token_command(token, command, answer);
    put_tries(answer);
    return 0;
}

/* None of them has a keypad. */
bool reader_has_keypad(const struct reader *reader, size_t pin_length)
{
    (void)reader, (void)pin_length;
    return false;
}

void reader_set_waiter(struct reader *reader, const struct reader_waiter *waiter)
{
    (void)reader, (void)waiter;
}

gpg_error_t reader_verify_on_keypad(struct reader *reader, const struct keypad_verify *what,
                                    struct buffer *answer, struct deadline deadline)
{
    (void)reader;
    (void)what;
    (void)answer;
    (void)deadline;
    abort();
}

gpg_error_t reader_reset(struct reader *reader, struct deadline deadline)
{
    (void)reader;
    (void)deadline;
    token_reset(token);
    return 0;
}
