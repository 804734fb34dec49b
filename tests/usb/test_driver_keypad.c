/* A PIN that is typed at the reader (CCID 1.1 §6.1.11), at every level of exchange. */
#include "tests/usb/driver.h"

#define RIGHT_PIN      "123456"
#define WRONG_PIN      "654321"
#define READ_PW_STATUS "00CA00C400"
#define TRIES(n)       "007F7F7F 0" n "0003 9000"
#define VENDOR_KAAN    0x0d46
#define PRODUCT_KAAN   0x3002
#define MS_OF_THE_CALL 45000
#define KEYPAD_SECONDS 30

static struct plugged plugged;
static struct readers *readers;
static struct reader *reader;
static struct usb_model model;

static void begin(const struct usb_model *m)
{
    model = *m;
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
    driver_unplug(&plugged);
    driver_end();
}

static gpg_err_code_t verify(const char *typed, uint16_t *sw)
{
    const struct keypad_verify what = { .header = { 0x00, 0x20, 0x00, 0x82 },
                                        .pin_min = 6,
                                        .pin_max = 127,
                                        .seconds = KEYPAD_SECONDS };
    struct buffer answer = BUFFER(ANSWER_MAX);
    gpg_error_t err;

    usb_device_type_pin(plugged.device, typed, 0);
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

    assert_true(reader_has_keypad(reader));
    assert_int_equal(verify(NULL, &sw), GPG_ERR_CANCELED);
    assert_int_equal(verify("", &sw), GPG_ERR_NO_PIN);
    assert_answer(reader, READ_PW_STATUS, TRIES("3"));
    assert_int_equal(verify(WRONG_PIN, &sw), 0);
    assert_int_not_equal(sw, 0x9000);
    assert_answer(reader, READ_PW_STATUS, TRIES("2"));
    assert_int_equal(verify(RIGHT_PIN, &sw), 0);
    assert_int_equal(sw, 0x9000);
    assert_answer(reader, READ_PW_STATUS, TRIES("3"));
    assert_int_equal(usb_device_counts(plugged.device).secures, 4);
}

static void in_blocks(void **state)
{
    (void)state;
    begin(usb_model_find("spr532"));
    all_ways();
    end();
}

static void in_apdus(void **state)
{
    static const char *const names[] = { "yubikey-5", "nitrokey-start" };

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct usb_model kaan = *usb_model_find(names[i]);

        kaan.vendor = VENDOR_KAAN;
        kaan.product = PRODUCT_KAAN;
        kaan.pin_support = 1;
        kaan.card = &token_profile_generic;
        begin(&kaan);
        all_ways();
        end();
    }
}

/* Whatever its descriptor says; and nothing is sent. */
static void unknown_reader(void **state)
{
    struct usb_model liar = *usb_model_find("yubikey-5");
    uint16_t sw;

    (void)state;
    liar.pin_support = 3;
    begin(&liar);
    assert_false(reader_has_keypad(reader));
    assert_int_equal(verify(RIGHT_PIN, &sw), GPG_ERR_NOT_SUPPORTED);
    assert_int_equal(usb_device_counts(plugged.device).secures, 0);
    end();
}

/* One of the list in an edition without a keypad. */
static void no_keypad_in_the_descriptor(void **state)
{
    struct usb_model plain = *usb_model_find("spr532");

    (void)state;
    plain.pin_support = 0;
    begin(&plain);
    assert_false(reader_has_keypad(reader));
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
            usb_device_fault(plugged.device,
                             (struct usb_fault){ .kind = FAULT_FAILED, .at = at, .value = field });
            assert_int_equal(verify(NULL, &sw), GPG_ERR_NOT_SUPPORTED);
        }
    }
    usb_device_fault(plugged.device, (struct usb_fault){ .kind = FAULT_NONE });
    assert_answer(reader, READ_PW_STATUS, TRIES("3"));
    end();
}

/* The reader falls silent over it: bounded, and nothing is sent a second time. */
static void silence(void **state)
{
    uint16_t sw;

    (void)state;
    begin(usb_model_find("spr532"));
    usb_device_fault(plugged.device, (struct usb_fault){ .kind = FAULT_NO_ANSWER, .at = 1 });
    assert_int_equal(verify(RIGHT_PIN, &sw), GPG_ERR_CARD);
    assert_int_equal(verify(RIGHT_PIN, &sw), GPG_ERR_CARD);
    assert_int_equal(usb_device_counts(plugged.device).secures, 1);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_blocks),      cmocka_unit_test(in_apdus),
        cmocka_unit_test(unknown_reader), cmocka_unit_test(no_keypad_in_the_descriptor),
        cmocka_unit_test(refused),        cmocka_unit_test(silence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
