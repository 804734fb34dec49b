#include "apdu/application_data.h"
#include "tests/unit/hex.h"

static void check_row(const char *digits, bool chaining, bool extended)
{
    struct card_capabilities c = historical_bytes_parse(hex(digits));

    assert_int_equal(c.chaining, chaining);
    assert_int_equal(c.extended_length, extended);
}

/* DO 5F52 as the cards give it. */
static void every_known_card_is_understood(void **state)
{
    (void)state;
    check_row("0031C573C00140059000", false, true);           /* ZeitControl 2.x, CanoKey */
    check_row("0031F573C00160059000", false, true);           /* ZeitControl 3.3, Nitrokey 3 */
    check_row("007300008000000000000000000000", true, false); /* YubiKey NEO */
    check_row("0073000080059000", true, false);               /* YubiKey 4 */
    check_row("00730000E0059000", true, true);                /* YubiKey 5 */
    check_row("00318473800180059000", true, false);           /* Gnuk */
    check_row("00C1C573C00180059000", true, false);           /* SmartPGP */
    check_row("00C1C573C001C0059000", true, true);            /* SmartPGP, extended length */
    check_row("0031C573C0018000000000007F9000", true, false); /* Ledger */
}

static void odd_shapes_say_no(void **state)
{
    (void)state;
    check_row("", false, false);
    check_row("00", false, false);
    check_row("000590", false, false);
    check_row("00059000", false, false);
    check_row("0073C001C59000", false, false);   /* the third octet would be the status' first */
    check_row("0072C001C0059000", false, false); /* no third octet: C0 is another item */
    check_row("0077C001C0059000", false, false);
    check_row("0031", false, false);
    check_row("5973C001C0059000", false, false); /* proprietary */
    check_row("1073C001C0059000", false, false); /* DIR data reference */
    check_row("00000000000000059000", false, false);
}

static void without_a_status_the_last_octets_count(void **state)
{
    (void)state;
    check_row("8073C001C0", true, true);
    check_row("80318473800140", false, true);
    check_row("8073C001", false, false);
}

/* The first card capabilities with a third octet win over what an item only looks like. */
static void items_are_passed_over_whole(void **state)
{
    (void)state;
    check_row("0043730000 73000080 059000", true, false);
    check_row("004373FFFF 73000000 059000", false, false);
}

static void check_atr(const char *atr, const char *historical)
{
    assert_octets(atr_historical_bytes(hex(atr)), historical);
}

static void every_known_answer_to_reset_is_understood(void **state)
{
    (void)state;
    check_atr("3BF71100008131FE6543616E6F6B657999", "43616E6F6B6579");
    check_atr("3BDA11FF81B1FE551F0300318473800180059000E1", "00318473800180059000");
    check_atr("3BDA18FF81B1FE751F030031F573C001C0009000BC", "0031F573C001C0009000");
    check_atr("3BFA1300008131FE15597562696B65794E454FA6", "597562696B65794E454F");
    check_atr("3B00", "");         /* nothing follows T0 */
    check_atr("3B021450", "1450"); /* historical bytes and no interface bytes, no TCK */
}

static void answers_to_reset_hint_at_capabilities(void **state)
{
    struct view ext = hex("3BDA18FF81B1FE751F030031F573C001C0009000BC");
    struct view canokey = hex("3BF71100008131FE6543616E6F6B657999");
    struct card_capabilities c;

    (void)state;
    c = historical_bytes_parse(atr_historical_bytes(ext));
    assert_true(c.chaining);
    assert_true(c.extended_length);
    c = historical_bytes_parse(atr_historical_bytes(canokey));
    assert_false(c.chaining);
    assert_false(c.extended_length);
}

static void cut_answers_to_reset_have_none(void **state)
{
    struct view atr = hex("3BDA18FF81B1FE751F030031F573C001C0009000BC");

    (void)state;
    /* The last octet is the check octet: nobody reads it here. */
    for (size_t len = 0; len < atr.len - 1; len++) {
        uint8_t *copy = exact_copy(view_of(atr.data, len));

        assert_int_equal(atr_historical_bytes(view_of(copy, len)).len, 0);
        free(copy);
    }
    check_atr("3BFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_known_card_is_understood),
        cmocka_unit_test(odd_shapes_say_no),
        cmocka_unit_test(without_a_status_the_last_octets_count),
        cmocka_unit_test(items_are_passed_over_whole),
        cmocka_unit_test(every_known_answer_to_reset_is_understood),
        cmocka_unit_test(answers_to_reset_hint_at_capabilities),
        cmocka_unit_test(cut_answers_to_reset_have_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
