#include "apdu/quirks.h"
#include "tests/unit/cmocka_all.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(quirks_follow_identity) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
