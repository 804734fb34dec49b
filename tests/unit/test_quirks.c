#include "apdu/quirks.h"
#include "tests/unit/hex.h"

/* By the devices' identities: NEO 2.0, YubiKey 4 2.1 (5 before 5.2.3 the same), 5 3.4, Ledger 3.3,
 * and some that need none. */
static void quirks_follow_identity(void **state)
{
    static const struct {
        uint16_t manufacturer, version;
        struct quirks quirks;
    } rows[] = {
        { 0x0006, 0x0200, { .keeps_verification = true } },
        { 0x0006,
          0x0201,
          { .extended_length = true,
            .touch_apart = true,
            .keeps_verification = true,
            .misses_touch = true } },
        { 0x0006, 0x0304, { 0 } },
        { 0x2c97, 0x0303, { .touch_apart = true } },
        { 0x0005, 0x0201, { 0 } },
        { 0x000f, 0x0304, { 0 } },
        { 0xfffe, 0x0200, { 0 } },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct application_data data = { .manufacturer = rows[i].manufacturer,
                                         .version = rows[i].version };
        struct quirks q = quirks_of(&data);

        assert_int_equal(q.extended_length, rows[i].quirks.extended_length);
        assert_int_equal(q.touch_apart, rows[i].quirks.touch_apart);
        assert_int_equal(q.keeps_verification, rows[i].quirks.keeps_verification);
        assert_int_equal(q.misses_touch, rows[i].quirks.misses_touch);
    }
}

/* ATRs of pcsc-tools' list and of pynitrokey, without and with what surrounds the beginning. */
static void answers_to_reset_are_guessed_from(void **state)
{
    static const struct {
        const char *atr;
        bool extended;
    } rows[] = {
        { "3B8C01805A4E6974726F6B657920337D", true },       /* Nitrokey 3 */
        { "3B8F01805D4E6974726F6B657900000000006A", true }, /* the same, later */
        { "3BF71100008131FE6543616E6F6B657999", true },     /* CanoKey */
        { "3BFA1300008131FE15597562696B65794E454FA6", false },
        { "3BF81300008131FE15597562696B657934D4", false },
        { "3BDA11FF81B1FE551F0300318473800180059000E1", false },
        { "3B8901805A4E6974726F6B6500", false }, /* cut */
        { "3B894E6974726F6B657920330000", false },
        { "3B00", false },
        { "", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(quirks_guess_extended(atr_historical_bytes(hex(rows[i].atr))),
                         rows[i].extended);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quirks_follow_identity),
        cmocka_unit_test(answers_to_reset_are_guessed_from),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
