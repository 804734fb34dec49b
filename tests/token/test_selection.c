/* Selection, reset, the ATR, the end of a card and its new beginning. */
#include "tests/token/exchange.h"

static void card_without_selection_knows_nothing(void **state)
{
    struct token *t = exchange_new();

    (void)state;
    token_reset(t);
    expect(t, "00 CA 004F 00", "6986");
    expect(t, VERIFY_OTHER, "6986");
    expect(t, SELECT_OPENPGP, "9000");
    expect(t, "00 CA 004F 00", "D276000124010304FF00000000010000 9000");
    token_free(&t);
}

static void application_is_selected_by_its_name_or_part_of_it(void **state)
{
    struct token *t = exchange_new();

    (void)state;
    expect(t, "00 A4 0400 06 D27600012401 00", "9000");
    expect(t, "00 A4 0400 05 D276000124", "9000");
    expect(t, "00 A4 0400 10 D276000124010304FF00000000010000", "9000");
    expect(t, "00 A4 0400 10 D276000124010304FF00000000020000", "6A82");
    expect(t, "00 A4 0400 04 D2760001", "6A82");
    expect(t, "00 A4 0400", "6A82");
    expect(t, "00 A4 0400 05 A000000308", "6A82");
    expect(t, "00 A4 000C 02 3F00", "6B00");
    expect(t, "00 A4 040C 06 D27600012401", "6B00");
    token_free(&t);
}

static void pins_outlive_a_selection_but_not_a_reset(void **state)
{
    struct token *t = exchange_new();

    (void)state;
    expect(t, VERIFY_OTHER, "9000");
    expect(t, SELECT_OPENPGP, "9000");
    expect(t, "00 20 0082", "9000");
    expect(t, "00 A4 0400 05 A000000308", "6A82");
    expect(t, "00 20 0082", "9000");
    token_reset(t);
    expect(t, SELECT_OPENPGP, "9000");
    expect(t, "00 20 0082", "63C3");
    token_free(&t);
}

static void another_application_takes_the_pins(void **state)
{
    struct token_options o;
    struct token *t;

    (void)state;
    token_default_options(&o);
    o.other_application = true;
    t = exchange_new_with(&o);
    expect(t, VERIFY_OTHER, "9000");
    expect(t, "00 A4 0400 05 A000000308", "9000");
    expect(t, "00 2A 8086 01 00 00", "6D00");
    expect(t, "00 CA 006E 00", "6D00");
    expect(t, SELECT_OPENPGP, "9000");
    expect(t, "00 20 0082", "63C3");
    token_free(&t);
}

/* ISO 7816-3 §8.2.5: all octets after the first, with the check octet, add up to nothing. */
static void atr_is_whole_and_tells_what_5f52_tells(void **state)
{
    struct token *t = exchange_new();
    struct view atr = token_atr(t);
    uint8_t sum = 0;

    (void)state;
    assert_int_equal(atr.data[0], 0x3B);
    assert_int_equal(atr.data[1] & 0x0F, 10);
    for (size_t i = 1; i < atr.len; i++)
        sum ^= atr.data[i];
    assert_int_equal(sum, 0);
    /* T=1 is offered in TD1. */
    assert_int_equal(atr.data[4] & 0x0F, 1);
    assert_memory_equal(atr.data + atr.len - 11, "\x00\x31\xF5\x73\xC0\x01\xE0\x05\x90\x00", 10);
    expect(t, "00 CA 5F52 00", "0031F573C001E0059000 9000");
    token_free(&t);
}

static void termination_needs_the_admin(void **state)
{
    struct token *t = exchange_new();

    (void)state;
    expect(t, "00 E6 0000", "6982");
    expect(t, VERIFY_OTHER, "9000");
    expect(t, "00 E6 0000", "6982");
    expect(t, VERIFY_ADMIN, "9000");
    expect(t, "00 E6 0100", "6B00");
    expect(t, "00 E6 0000 01 00", "6700");
    expect(t, "00 E6 0000", "9000");
    token_free(&t);
}

static void terminated_card_answers_6285(void **state)
{
    struct token *t = exchange_new();

    (void)state;
    expect(t, VERIFY_ADMIN, "9000");
    expect(t, "00 DA 005E 05 616C696365", "9000");
    expect(t, "00 E6 0000", "9000");
    expect(t, "00 CA 005E 00", "6285");
    expect(t, VERIFY_ADMIN, "6285");
    expect(t, SELECT_OPENPGP, "6285");
    token_reset(t);
    assert_int_equal(token_atr(t).data[17], 0x03); /* initialisation state */
    expect(t, SELECT_OPENPGP, "6285");
    expect(t, "00 44 0100", "6B00");
    expect(t, "00 44 0000 01 00", "6700");
    expect(t, "00 44 0000", "9000");
    expect(t, "00 CA 005E 00", "9000");
    expect(t, SELECT_OPENPGP, "9000");
    expect(t, VERIFY_ADMIN, "9000");
    token_free(&t);
}

static void activation_of_a_living_card_changes_nothing(void **state)
{
    struct token *t = exchange_new();

    (void)state;
    expect(t, VERIFY_ADMIN, "9000");
    expect(t, "00 DA 005E 05 616C696365", "9000");
    expect(t, "00 44 0000", "9000");
    expect(t, "00 CA 005E 00", "616C696365 9000");
    token_free(&t);
}

static void locked_out_owner_can_terminate(void **state)
{
    struct token *t = exchange_new();

    (void)state;
    for (int i = 0; i < 3; i++)
        expect(t, "00 20 0081 06 303030303030", "6982");
    expect(t, "00 E6 0000", "6982");
    for (int i = 0; i < 3; i++)
        expect(t, "00 20 0083 08 3030303030303030", "6982");
    expect(t, "00 E6 0000", "9000");
    expect(t, "00 44 0000", "9000");
    expect(t, "00 CA 00C4 00", "007F7F7F030003 9000");
    token_free(&t);
}

static void yubico_version_is_answered_only_when_wanted(void **state)
{
    struct token_options o;
    struct token *t = exchange_new();

    (void)state;
    expect(t, "00 F1 0000 00", "6D00");
    token_free(&t);
    token_default_options(&o);
    o.yubico_version[0] = 5;
    o.yubico_version[1] = 0x07;
    o.yubico_version[2] = 0x12;
    t = exchange_new_with(&o);
    expect(t, "00 F1 0000 00", "050712 9000");
    token_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(card_without_selection_knows_nothing),
        cmocka_unit_test(application_is_selected_by_its_name_or_part_of_it),
        cmocka_unit_test(pins_outlive_a_selection_but_not_a_reset),
        cmocka_unit_test(another_application_takes_the_pins),
        cmocka_unit_test(atr_is_whole_and_tells_what_5f52_tells),
        cmocka_unit_test(termination_needs_the_admin),
        cmocka_unit_test(terminated_card_answers_6285),
        cmocka_unit_test(activation_of_a_living_card_changes_nothing),
        cmocka_unit_test(locked_out_owner_can_terminate),
        cmocka_unit_test(yubico_version_is_answered_only_when_wanted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
