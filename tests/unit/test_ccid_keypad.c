/* PC_to_RDR_Secure's body, made by hand from the table of CCID 1.1 §6.1.11 and from what scdaemon
 * is known to send to each of the readers, and the readers it is for. */
#include "ccid/ccid_keypad.h"
#include "tests/unit/hex.h"

#define SPR532_KEYPAD ccid_keypad_find(0x04e6, 0xe003)
#define GEMPC_KEYPAD  ccid_keypad_find(0x08e6, 0x3478)

static const uint8_t prologue[] = { 0x00, 0x40 };

static void assert_body(const struct ccid_keypad *keypad, const struct keypad_verify *verify,
                        const uint8_t *of_block, const char *expected)
{
    struct buffer body = BUFFER(64);

    assert_non_null(keypad);
    assert_ok(ccid_keypad_encode(keypad, verify, of_block, &body));
    assert_octets(buffer_view(&body), expected);
    buffer_free(&body);
}

static void assert_refused(const struct ccid_keypad *keypad, const struct keypad_verify *verify)
{
    struct buffer body = BUFFER(64);

    assert_err(ccid_keypad_encode(keypad, verify, NULL, &body), GPG_ERR_NOT_SUPPORTED);
    assert_int_equal(body.len, 0);
}

static void body(void **state)
{
    const struct keypad_verify verify = {
        .header = { 0x00, 0x20, 0x00, 0x82 }, .pin_min = 6, .pin_max = 8, .seconds = 30
    };

    (void)state;
    assert_body(SPR532_KEYPAD, &verify, NULL, "00 1E 82 00 00 0806 02 01 0904 00 000000 00200082");
    assert_body(SPR532_KEYPAD, &verify, prologue,
                "00 1E 82 00 00 0806 02 01 0904 00 004000 00200082");
}

/* A card may take PINs of 127 octets; no keypad does. */
static void each_reader(void **state)
{
    static const struct {
        uint16_t vendor, product;
        uint8_t message;
        const char *escape, *body;
    } readers[] = {
#define ANY(max) "00 05 82 00 00 " max "06 02 01 0904 00 000000 00200082"
#define ONE(n)   "00 05 82 " n " 00 " n n " 02 01 0904 00 000000 00200082 " n
        { 0x046a, 0x0005, 0x89, "", ANY("0F") "00" },
        { 0x046a, 0x0010, 0x89, "", ANY("0F") "00" },
        { 0x046a, 0x003e, 0x69, "", ANY("0F") "00" },
        { 0x04e6, 0xe003, 0x69, "800200", ANY("19") },
        { 0x08e6, 0x3478, 0x69, "", ONE("07") "FFFFFFFFFFFFFF" },
        { 0x08e6, 0x34c2, 0x69, "", ANY("19") },
        { 0x0982, 0x0008, 0x69, "B501000300", ONE("07") "FFFFFFFFFFFFFF" },
        { 0x0c4b, 0x0504, 0x69, "", ANY("0F") },
        { 0x0d46, 0x3002, 0x69, "", ANY("19") },
        { 0x1a44, 0x0920, 0x69, "", ANY("0F") },
        { 0x1fc9, 0x81e6, 0x69, "", ANY("19") },
        { 0x234b, 0x0000, 0x69, "", ANY("19") },
    };
    const struct keypad_verify verify = { .header = { 0x00, 0x20, 0x00, 0x82 },
                                          .pin_min = 6,
                                          .pin_max = 127,
                                          .pin_length = 7,
                                          .seconds = 5 };

    (void)state;
    for (size_t i = 0; i < sizeof readers / sizeof readers[0]; i++) {
        const struct ccid_keypad *k = ccid_keypad_find(readers[i].vendor, readers[i].product);

        assert_body(k, &verify, NULL, readers[i].body);
        assert_int_equal(k->message, readers[i].message);
        assert_octets(k->escape, readers[i].escape);
    }
}

/* The block's LEN is told where the reader adds nothing to the APDU. */
static void one_length_in_a_block(void **state)
{
    const struct keypad_verify verify = { .header = { 0x00, 0x20, 0x00, 0x82 },
                                          .pin_min = 6,
                                          .pin_max = 32,
                                          .pin_length = 6,
                                          .seconds = 30 };

    (void)state;
    assert_body(GEMPC_KEYPAD, &verify, prologue,
                "00 1E 82 06 00 0606 02 01 0904 00 00400B 00200082 06 FFFFFFFFFFFF");
}

static void lengths_that_a_reader_takes(void **state)
{
    (void)state;
    assert_true(ccid_keypad_takes(SPR532_KEYPAD, 0));
    assert_true(ccid_keypad_takes(SPR532_KEYPAD, 8));
    assert_false(ccid_keypad_takes(GEMPC_KEYPAD, 0));
    assert_false(ccid_keypad_takes(GEMPC_KEYPAD, 3));
    assert_true(ccid_keypad_takes(GEMPC_KEYPAD, 4));
    assert_true(ccid_keypad_takes(GEMPC_KEYPAD, 8));
    assert_false(ccid_keypad_takes(GEMPC_KEYPAD, 9));
}

static void too_long_for_it(void **state)
{
    const struct keypad_verify verify = { .pin_min = 26, .pin_max = 127 };

    (void)state;
    assert_refused(SPR532_KEYPAD, &verify);
}

/* A length that nobody told, or that is none of the reader's or the card's. */
static void no_such_length(void **state)
{
    static const size_t lengths[] = { 0, 5, 8, 9 };

    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        const struct keypad_verify verify = { .pin_min = 6,
                                              .pin_max = 7,
                                              .pin_length = lengths[i] };

        assert_refused(GEMPC_KEYPAD, &verify);
    }
}

/* Those whose dumps lie, that send the digits to the host as well, that ask by themselves, or that
 * nobody has tried. */
static void never_these(void **state)
{
    static const uint16_t ids[][2] = {
        { 0x076b, 0x3031 }, { 0x076b, 0x3a21 }, { 0x076b, 0x6622 }, { 0x046a, 0x00a7 },
        { 0x0783, 0x0006 }, { 0x25dd, 0x3111 }, { 0x03f0, 0x1024 }, { 0x03f0, 0x0036 },
        { 0x0bf8, 0x1017 }, { 0x04f2, 0x1469 }, { 0x2c97, 0x1009 }, { 0x1050, 0x0407 },
        { 0x08e6, 0x3438 }, { 0x20a0, 0x4211 }, { 0x0d46, 0x3010 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++)
        assert_null(ccid_keypad_find(ids[i][0], ids[i][1]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(body),
        cmocka_unit_test(each_reader),
        cmocka_unit_test(one_length_in_a_block),
        cmocka_unit_test(lengths_that_a_reader_takes),
        cmocka_unit_test(too_long_for_it),
        cmocka_unit_test(no_such_length),
        cmocka_unit_test(never_these),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
