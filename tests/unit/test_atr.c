/* Answers to reset of cards that exist, read by ISO 7816-3:2006 §8, and such that no card sends. */
#include "ccid/atr.h"
#include "ccid/pps.h"
#include "tests/unit/hex.h"

static struct atr parse(const char *digits)
{
    struct atr atr;

    assert_ok(atr_parse(hex(digits), &atr));
    return atr;
}

/* T0 F8: TA1 TB1 TC1 TD1; TD1 81: TD2; TD2 31: TA3 FE, TB3 15. */
static void yubikey_4(void **state)
{
    struct atr atr = parse("3BF81300008131FE15597562696B657934D4");

    (void)state;
    assert_int_equal(atr.fi_di, 0x13);
    assert_int_equal(atr.guard_time, 0);
    assert_true(atr_offers(&atr, 1));
    assert_false(atr_offers(&atr, 0));
    assert_int_equal(atr.first, 1);
    assert_false(atr.specific);
    assert_false(atr.inverse);
    assert_int_equal(atr.t1_ifsc, 254);
    assert_int_equal(atr.t1_bwi_cwi, 0x15);
    assert_false(atr.t1_crc);
    assert_octets(atr.historical, "597562696B657934");
}

/* The card of ZeitControl, version 2.1: T0 DA, TA1 18, TC1 FF, TD1 81; TD2 B1: TA3 FE, TB3 75, TD3
 * 1F: TA15 03, which is not about T=1. */
static void openpgp_card_2(void **state)
{
    struct atr atr = parse("3BDA18FF81B1FE751F030031C573C001400090000C");

    (void)state;
    assert_int_equal(atr.fi_di, 0x18);
    assert_int_equal(atr.guard_time, 0xff);
    assert_int_equal(atr.first, 1);
    assert_int_equal(atr.t1_ifsc, 254);
    assert_int_equal(atr.t1_bwi_cwi, 0x75);
    assert_int_equal(atr.protocols, 1 << 1 | 1 << 15);
    assert_octets(atr.historical, "0031C573C00140009000");
}

static void openpgp_card_1(void **state)
{
    struct atr atr = parse("3BFA1300FF813180450031C173C00100009000B1");

    (void)state;
    assert_int_equal(atr.t1_ifsc, 0x80);
    assert_int_equal(atr.t1_bwi_cwi, 0x45);
}

/* Without TD1 there is T=0 alone, and no TCK. */
static void t0_alone(void **state)
{
    struct atr atr = parse("3B6800000073C84013009000");

    (void)state;
    assert_true(atr_offers(&atr, 0));
    assert_false(atr_offers(&atr, 1));
    assert_int_equal(atr.fi_di, 0x11);
    assert_int_equal(atr.t1_ifsc, 32);
    assert_int_equal(atr.t1_bwi_cwi, 0x4d);
    assert_true(parse("3F6525083E049000 00").inverse);
}

/* TD1 91: TA2. TA2 11: T=1 alone, b5: with parameters that are not in TA1. */
static void specific_mode(void **state)
{
    struct atr atr = parse("3B 80 91 11 01 01");

    (void)state;
    assert_true(atr.specific);
    assert_true(atr.implicit);
    assert_int_equal(atr.first, 1);
    assert_true(atr_offers(&atr, 1));
    assert_false(parse("3B 80 91 01 01 11").implicit);
}

/* TC3 01: CRC. TD1 80, TD2 41: TC3. */
static void crc(void **state)
{
    (void)state;
    assert_true(parse("3B 80 80 41 01 40").t1_crc);
    assert_false(parse("3B 80 80 41 00 41").t1_crc);
}

/* A second group for T=1 says nothing new. */
static void first_of_two_groups(void **state)
{
    (void)state;
    assert_int_equal(parse("3B 80 80 91 30 11 20 90").t1_ifsc, 0x30);
}

static void no_answers_to_reset(void **state)
{
    static const char *const bad[] = {
        "",
        "3B",
        "3C00",
        "3BF813",                               /* ends in TB1 */
        "3BF81300008131FE1559756269",           /* in the historical octets */
        "3BF81300008131FE15597562696B657934",   /* no TCK */
        "3BF81300008131FE15597562696B657934D5", /* a wrong one */
        "3B80 80 11 00 11",                     /* IFSC 0 */
        "3B80 80 11 FF EE",                     /* IFSC 255 */
        "3B80 80{32}",                          /* TDs without end */
    };
    struct atr atr, before;

    (void)state;
    memset(&atr, 0xa5, sizeof atr);
    before = atr;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_err(atr_parse(hex(bad[i]), &atr), GPG_ERR_BAD_DATA);
        assert_memory_equal(&atr, &before, sizeof atr);
    }
}

#define INTERFACE_OCTETS 10

/* Every cut of a good one, and every bit of it turned, is refused or read: never past its end. */
static void every_cut_and_bit(void **state)
{
    struct view whole = hex("3BDA18FF81B1FE751F030031C573C001400090000C");
    struct atr atr;

    (void)state;
    for (size_t len = 0; len < whole.len; len++) {
        uint8_t *cut = exact_copy(view_of(whole.data, len));

        assert_err(atr_parse(view_of(cut, len), &atr), GPG_ERR_BAD_DATA);
        free(cut);
    }
    for (size_t bit = 0; bit < whole.len * 8; bit++) {
        uint8_t *turned = exact_copy(whole);

        turned[bit / 8] ^= (uint8_t)(1 << bit % 8);
        /* A single bit is always caught by TCK, if it still counts. */
        if (!atr_parse(view_of(turned, whole.len), &atr))
            assert_true(bit / 8 < INTERFACE_OCTETS);
        free(turned);
    }
}

/* §9.2: PPSS, PPS0, PPS1, PCK. */
static void pps(void **state)
{
    uint8_t request[PPS_MAX], agreed = 0;
    size_t len = pps_request(0x18, request);

    (void)state;
    assert_octets(view_of(request, len), "FF 11 18 F6");
    assert_true(pps_accepted(view_of(request, len), hex("FF1118F6"), &agreed));
    assert_int_equal(agreed, 0x18);
    assert_true(pps_accepted(view_of(request, len), hex("FF01FE"), &agreed));
    assert_int_equal(agreed, 0x11);
    assert_false(pps_accepted(view_of(request, len), hex("FF1017F8"), &agreed));
    assert_false(pps_accepted(view_of(request, len), hex("FF1118"), &agreed));
    assert_false(pps_accepted(view_of(request, len), hex(""), &agreed));
    assert_octets(view_of(request, pps_request(0x11, request)), "FF 01 FE");
    assert_true(pps_accepted(hex("FF01FE"), hex("FF01FE"), &agreed));
}

/* §8.3: f times Di by Fi. */
static void bit_rates(void **state)
{
    (void)state;
    assert_int_equal(pps_bit_rate(0x11, 3720), 10000);
    assert_int_equal(pps_bit_rate(0x96, 4000), 250000); /* 512 and 32 */
    assert_int_equal(pps_bit_rate(0x18, 3720), 120000); /* 372 and 12 */
    assert_int_equal(pps_bit_rate(0x70, 4000), 0);
    assert_int_equal(pps_bit_rate(0x1a, 4000), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(yubikey_4),           cmocka_unit_test(openpgp_card_2),
        cmocka_unit_test(openpgp_card_1),      cmocka_unit_test(t0_alone),
        cmocka_unit_test(specific_mode),       cmocka_unit_test(crc),
        cmocka_unit_test(first_of_two_groups), cmocka_unit_test(no_answers_to_reset),
        cmocka_unit_test(every_cut_and_bit),   cmocka_unit_test(pps),
        cmocka_unit_test(bit_rates),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
