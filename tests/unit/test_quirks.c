#include "apdu/quirks.h"
#include "tests/unit/cmocka_all.h"

static struct application_data card(uint16_t manufacturer, uint16_t version)
{
    return (struct application_data){ .manufacturer = manufacturer, .version = version };
}

/* openpgp-card §2 by device: NEO 2.0, YubiKey 4 2.1 (5 before 5.2.3 the same), 5 3.4. */
static void quirks_follow_identity(void **state)
{
    static const struct {
        uint16_t manufacturer, version;
        uint32_t firmware;
        struct quirks quirks;
    } rows[] = {
        { 0x0006, 0x0200, 0, { .keeps_verification = true } },
        { 0x0006,
          0x0201,
          0,
          { .extended_length = true, .touch_apart = true, .keeps_verification = true } },
        { 0x0006,
          0x0201,
          0x040300,
          { .extended_length = true, .touch_apart = true, .keeps_verification = true } },
        { 0x0006,
          0x0201,
          0x040206,
          { .extended_length = true,
            .touch_apart = true,
            .keeps_verification = true,
            .misses_touch = true } },
        { 0x0006, 0x0304, 0x050403, { 0 } },
        { 0x2c97, 0x0303, 0, { .touch_apart = true } },
        { 0x0005, 0x0201, 0, { 0 } },
        { 0x000f, 0x0304, 0, { 0 } },
        { 0xfffe, 0x0200, 0, { 0 } },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct application_data data = card(rows[i].manufacturer, rows[i].version);
        struct quirks q = quirks_of(&data, rows[i].firmware);

        assert_int_equal(q.extended_length, rows[i].quirks.extended_length);
        assert_int_equal(q.touch_apart, rows[i].quirks.touch_apart);
        assert_int_equal(q.keeps_verification, rows[i].quirks.keeps_verification);
        assert_int_equal(q.misses_touch, rows[i].quirks.misses_touch);
    }
}

static void firmware_is_of_interest_for_yubikey_4_only(void **state)
{
    struct application_data yubikey_4 = card(0x0006, 0x0201), neo = card(0x0006, 0x0200),
                            yubikey_5 = card(0x0006, 0x0304), other = card(0x0005, 0x0201);

    (void)state;
    assert_true(quirks_want_firmware(&yubikey_4));
    assert_false(quirks_want_firmware(&neo));
    assert_false(quirks_want_firmware(&yubikey_5));
    assert_false(quirks_want_firmware(&other));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quirks_follow_identity),
        cmocka_unit_test(firmware_is_of_interest_for_yubikey_4_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
