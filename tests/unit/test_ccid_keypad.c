/* PC_to_RDR_Secure's body, made by hand from the table of CCID 1.1 §6.1.11 for a PIN of any length,
 * and the readers it is for. */
#include "ccid/ccid_keypad.h"
#include "tests/unit/hex.h"

#define SPR532_KEYPAD ccid_keypad_find(0x04e6, 0xe003)

static const uint8_t no_prologue[3];

static void assert_body(const struct ccid_keypad *keypad, const struct keypad_verify *verify,
                        const uint8_t prologue[3], const char *expected)
{
    struct buffer body = BUFFER(64);

    assert_non_null(keypad);
    assert_ok(ccid_keypad_encode(keypad, verify, prologue, &body));
    assert_octets(buffer_view(&body), expected);
    buffer_free(&body);
}

static void body(void **state)
{
    const struct keypad_verify verify = {
        .header = { 0x00, 0x20, 0x00, 0x82 }, .pin_min = 6, .pin_max = 8, .seconds = 30
    };
    const uint8_t prologue[3] = { 0x00, 0x40, 0x00 };

    (void)state;
    assert_body(SPR532_KEYPAD, &verify, no_prologue,
                "00 1E 82 00 00 0806 02 01 0904 00 000000 00200082");
    assert_body(SPR532_KEYPAD, &verify, prologue,
                "00 1E 82 00 00 0806 02 01 0904 00 004000 00200082");
}

/* A card may take PINs of 127 octets; no keypad does. */
static void length_is_the_readers(void **state)
{
    const struct keypad_verify verify = {
        .header = { 0x00, 0x20, 0x00, 0x83 }, .pin_min = 8, .pin_max = 127, .seconds = 5
    };

    (void)state;
    assert_body(SPR532_KEYPAD, &verify, no_prologue,
                "00 05 82 00 00 1908 02 01 0904 00 000000 00200083");
    assert_body(ccid_keypad_find(0x1a44, 0x0920), &verify, no_prologue,
                "00 05 82 00 00 0F08 02 01 0904 00 000000 00200083");
}

static void too_long_for_it(void **state)
{
    const struct keypad_verify verify = { .header = { 0x00, 0x20, 0x00, 0x82 },
                                          .pin_min = 26,
                                          .pin_max = 127 };
    struct buffer body = BUFFER(64);

    (void)state;
    assert_int_equal(gpg_err_code(ccid_keypad_encode(SPR532_KEYPAD, &verify, no_prologue, &body)),
                     GPG_ERR_NOT_SUPPORTED);
    assert_int_equal(body.len, 0);
}

/* Those whose dumps lie, that send the digits to the host as well, that take one length only, or
 * that ask by themselves. */
static void never_these(void **state)
{
    static const uint16_t ids[][2] = {
        { 0x076b, 0x3031 }, { 0x046a, 0x00a7 }, { 0x0783, 0x0006 },
        { 0x03f0, 0x1024 }, { 0x0bf8, 0x1017 }, { 0x08e6, 0x3478 },
        { 0x0982, 0x0008 }, { 0x2c97, 0x1009 }, { 0x1050, 0x0407 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++)
        assert_null(ccid_keypad_find(ids[i][0], ids[i][1]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(body),
        cmocka_unit_test(length_is_the_readers),
        cmocka_unit_test(too_long_for_it),
        cmocka_unit_test(never_these),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
