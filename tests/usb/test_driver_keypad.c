/* A PIN that is typed at the reader (CCID 1.1 §6.1.11), at every level of exchange. */
#include "tests/usb/driver.h"

#include <stdatomic.h>

#define RIGHT_PIN      "123456"
#define WRONG_PIN      "654321"
#define LONG_PIN       "1234567"
#define READ_PW_STATUS "00CA00C400"
#define TRIES(n)       "007F7F7F 0" n "0003 9000"
#define MS_OF_THE_CALL 45000
#define KEYPAD_SECONDS 30
#define TYPING_MS      20000
#define GIVES_UP_AT    50 /* times that it is asked: five seconds */

/* Keypads that are known to work, and which of them want to know a PIN's length. */
static const struct keypad {
    uint16_t vendor, product;
    bool one_length;
} keypads[] = {
    { 0x046a, 0x0005, false }, { 0x046a, 0x0010, false }, { 0x046a, 0x003e, false },
    { 0x04e6, 0xe003, false }, { 0x08e6, 0x3478, true },  { 0x08e6, 0x34c2, false },
    { 0x0982, 0x0008, true },  { 0x0c4b, 0x0504, false }, { 0x0d46, 0x3002, false },
    { 0x1a44, 0x0920, false }, { 0x1fc9, 0x81e6, false }, { 0x234b, 0x0000, false },
};
static const char *const levels[] = { "gemalto-ct30", "nitrokey-start", "yubikey-5" };

static size_t told_length;
static int64_t typing_ms;
static struct plugged plugged;
static struct readers *readers;
static struct reader *reader;
static struct usb_model model;

static void begin(const struct usb_model *m)
{
    model = *m;
    told_length = 0;
    typing_ms = 0;
    driver_begin();
    driver_plug(&plugged, &model, 2);
    assert_ok(readers_open("usb", &readers));
    reader = driver_connect(readers);
    assert_ok(reader_begin(reader, deadline_in_ms(PATIENCE_MS)));
    assert_answer(reader, SELECT_OPENPGP, "9000");
}

static void end(void)
{
    reader_end(reader);
    reader_disconnect(&reader);
    readers_close(&readers);
    assert_false(usb_device_powered(plugged.device));
    assert_false(usb_device_types(plugged.device));
    driver_unplug(&plugged);
    driver_end();
}

static gpg_err_code_t verify(const char *typed, uint16_t *sw)
{
    const struct keypad_verify what = { .header = { 0x00, 0x20, 0x00, 0x82 },
                                        .pin_min = 6,
                                        .pin_max = 127,
                                        .pin_length = told_length,
                                        .seconds = KEYPAD_SECONDS };
    struct buffer answer = BUFFER(ANSWER_MAX);
    gpg_error_t err;

    fake_usb_lock();
    usb_device_type_pin(plugged.device, typed, typing_ms);
    fake_usb_unlock();
    err = reader_verify_on_keypad(reader, &what, &answer, deadline_in_ms(MS_OF_THE_CALL));
    *sw = 0;
    if (!err) {
        assert_int_equal(answer.len, 2);
        *sw = (uint16_t)(answer.data[0] << 8 | answer.data[1]);
    } else {
        assert_int_equal(answer.len, 0);
    }
    buffer_free(&answer);
    return gpg_err_code(err);
}

/* The human changes the mind, is away, errs, and gets it right; each once, and the connection is
 * good for more in between. */
static void all_ways(void)
{
    uint16_t sw;

    assert_true(reader_has_keypad(reader, told_length));
    assert_int_equal(verify(NULL, &sw), GPG_ERR_CANCELED);
    assert_int_equal(verify("", &sw), GPG_ERR_NO_PIN);
    assert_answer(reader, READ_PW_STATUS, TRIES("3"));
    assert_int_equal(verify(WRONG_PIN, &sw), 0);
    assert_int_not_equal(sw, 0x9000);
    assert_answer(reader, READ_PW_STATUS, TRIES("2"));
    assert_int_equal(verify(RIGHT_PIN, &sw), 0);
    assert_int_equal(sw, 0x9000);
    assert_answer(reader, READ_PW_STATUS, TRIES("3"));
    assert_int_equal(driver_counts(&plugged).secures, 4);
}

static void begin_keypad(const char *level, const struct keypad *keypad)
{
    struct usb_model with_keypad = *usb_model_find(level);

    with_keypad.vendor = keypad->vendor;
    with_keypad.product = keypad->product;
    with_keypad.pin_support = 1;
    with_keypad.card = &token_profile_generic;
    begin(&with_keypad);
    told_length = keypad->one_length ? strlen(RIGHT_PIN) : 0;
}

/* Each of them, in blocks and in short and extended APDUs. */
static void every_keypad(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof keypads / sizeof keypads[0]; i++) {
        for (size_t level = 0; level < sizeof levels / sizeof levels[0]; level++) {
            begin_keypad(levels[level], &keypads[i]);
            all_ways();
            end();
        }
    }
}

static void as_it_shows_itself(void **state)
{
    (void)state;
    begin(usb_model_find("spr532"));
    all_ways();
    end();
}

/* Of a PIN whose length is not told, or not the reader's, nothing is sent. */
static void one_length_not_told(void **state)
{
    static const size_t lengths[] = { 0, 9 };
    uint16_t sw;

    (void)state;
    begin_keypad("gemalto-ct30", &keypads[4]);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        told_length = lengths[i];
        assert_false(reader_has_keypad(reader, told_length));
        assert_int_equal(verify(RIGHT_PIN, &sw), GPG_ERR_NOT_SUPPORTED);
    }
    assert_int_equal(driver_counts(&plugged).secures, 0);
    end();
}

/* The reader does not take it, and the card counts nothing. */
static void another_length_typed(void **state)
{
    uint16_t sw;

    (void)state;
    begin_keypad("gemalto-ct30", &keypads[4]);
    assert_int_equal(verify(LONG_PIN, &sw), GPG_ERR_NO_PIN);
    assert_answer(reader, READ_PW_STATUS, TRIES("3"));
    end();
}

/* Whatever its descriptor says; and nothing is sent. */
static void unknown_reader(void **state)
{
    struct usb_model liar = *usb_model_find("yubikey-5");
    uint16_t sw;

    (void)state;
    liar.pin_support = 3;
    begin(&liar);
    assert_false(reader_has_keypad(reader, 0));
    assert_int_equal(verify(RIGHT_PIN, &sw), GPG_ERR_NOT_SUPPORTED);
    assert_int_equal(driver_counts(&plugged).secures, 0);
    end();
}

/* One of the list in an edition without a keypad. */
static void no_keypad_in_the_descriptor(void **state)
{
    struct usb_model plain = *usb_model_find("spr532");

    (void)state;
    plain.pin_support = 0;
    begin(&plain);
    assert_false(reader_has_keypad(reader, 0));
    end();
}

/* One whose messages are too small for it: nothing is sent that it could not take. */
static void small_messages(void **state)
{
    struct usb_model small = *usb_model_find("gnuk");
    uint16_t sw;

    (void)state;
    small.pin_support = 1;
    small.max_message = 28;
    begin(&small);
    assert_int_equal(verify(RIGHT_PIN, &sw), GPG_ERR_NOT_SUPPORTED);
    assert_answer(reader, READ_PW_STATUS, TRIES("3"));
    end();
}

/* It does not do it after all, as its bError says: the card heard nothing, and is as good as
 * before. */
static void refused(void **state)
{
    uint16_t sw;

    (void)state;
    begin(usb_model_find("spr532"));
    for (uint8_t field = 0; field < 26; field += 25) {
        for (unsigned at = 0; at < 2; at++) {
            driver_fault(&plugged,
                         (struct usb_fault){ .kind = FAULT_FAILED, .at = at, .value = field });
            assert_int_equal(verify(NULL, &sw), GPG_ERR_NOT_SUPPORTED);
        }
    }
    driver_fault(&plugged, (struct usb_fault){ .kind = FAULT_NONE });
    assert_answer(reader, READ_PW_STATUS, TRIES("3"));
    end();
}

/* The reader falls silent over it: bounded, and nothing is sent a second time. */
static void silence(void **state)
{
    uint16_t sw;

    (void)state;
    begin(usb_model_find("spr532"));
    driver_fault(&plugged, (struct usb_fault){ .kind = FAULT_NO_ANSWER, .at = 1 });
    assert_int_equal(verify(RIGHT_PIN, &sw), GPG_ERR_CARD);
    assert_int_equal(verify(RIGHT_PIN, &sw), GPG_ERR_CARD);
    assert_int_equal(driver_counts(&plugged).secures, 1);
    end();
}

/* One that gives each digit so much time goes on past the deadline: it is told to stop by then. */
static void deadline_passes(void **state)
{
    uint16_t sw;

    (void)state;
    for (size_t level = 0; level < sizeof levels / sizeof levels[0]; level++) {
        begin_keypad(levels[level], &keypads[3]);
        typing_ms = 2 * MS_OF_THE_CALL;
        assert_int_equal(verify(RIGHT_PIN, &sw), GPG_ERR_TIMEOUT);
        assert_int_equal(driver_counts(&plugged).aborts, 1);
        fake_usb_lock();
        assert_false(usb_device_types(plugged.device));
        fake_usb_unlock();
        reader_end(reader);
        reader_disconnect(&reader);
        reader = driver_connect(readers);
        assert_ok(reader_begin(reader, deadline_in_ms(PATIENCE_MS)));
        assert_answer(reader, SELECT_OPENPGP, "9000");
        assert_answer(reader, READ_PW_STATUS, TRIES("3"));
        end();
    }
}

static atomic_uint asked;

static bool gives_up(void *context)
{
    return atomic_fetch_add(&asked, 1) >= *(const unsigned *)context;
}

/* Nobody waits any more: the keypad is told so at once. What is typed later goes nowhere, and the
 * card, which may have got a PIN in the last moment, is reset before it is used again. */
static void given_up(void **state)
{
    static const unsigned at = GIVES_UP_AT;
    const struct reader_waiter waiter = { .gives_up = gives_up, .context = (void *)(uintptr_t)&at };
    unsigned power_ons;
    uint16_t sw;

    (void)state;
    for (size_t level = 0; level < sizeof levels / sizeof levels[0]; level++) {
        int64_t start;

        begin_keypad(levels[level], &keypads[3]);
        power_ons = driver_counts(&plugged).power_ons;
        typing_ms = TYPING_MS;
        atomic_store(&asked, 0);
        reader_set_waiter(reader, &waiter);
        start = monotonic_ms();
        assert_int_equal(verify(RIGHT_PIN, &sw), GPG_ERR_CARD);
        assert_true(monotonic_ms() - start < TYPING_MS / 2);
        assert_int_equal(driver_counts(&plugged).aborts, 1);
        reader_end(reader);
        reader_disconnect(&reader);
        reader = driver_connect(readers);
        assert_ok(reader_begin(reader, deadline_in_ms(PATIENCE_MS)));
        assert_int_equal(driver_counts(&plugged).power_ons, power_ons + 1);
        assert_answer(reader, SELECT_OPENPGP, "9000");
        assert_answer(reader, READ_PW_STATUS, TRIES("3"));
        assert_int_equal(driver_counts(&plugged).secures, 1);
        end();
    }
}

static bool interrupts(void *context)
{
    (void)context;
    if (atomic_fetch_add(&asked, 1) == GIVES_UP_AT)
        readers_interrupt(readers);
    return false;
}

/* The process ends: neither is the keypad left waiting, nor the card with power. */
static void interrupted(void **state)
{
    const struct reader_waiter waiter = { .gives_up = interrupts };
    uint16_t sw;

    (void)state;
    for (size_t level = 0; level < sizeof levels / sizeof levels[0]; level++) {
        begin_keypad(levels[level], &keypads[3]);
        typing_ms = TYPING_MS;
        atomic_store(&asked, 0);
        reader_set_waiter(reader, &waiter);
        assert_int_equal(verify(RIGHT_PIN, &sw), GPG_ERR_CARD_REMOVED);
        end();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_keypad),
        cmocka_unit_test(as_it_shows_itself),
        cmocka_unit_test(one_length_not_told),
        cmocka_unit_test(another_length_typed),
        cmocka_unit_test(unknown_reader),
        cmocka_unit_test(no_keypad_in_the_descriptor),
        cmocka_unit_test(small_messages),
        cmocka_unit_test(refused),
        cmocka_unit_test(silence),
        cmocka_unit_test(deadline_passes),
        cmocka_unit_test(given_up),
        cmocka_unit_test(interrupted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
