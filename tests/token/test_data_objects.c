/* Reading and writing data objects. */
#include "tests/token/exchange.h"

static struct token *new_without(void (*change)(struct token_options *o))
{
    struct token_options o;

    token_default_options(&o);
    change(&o);
    return exchange_new_with(&o);
}

static void no_button(struct token_options *o)
{
    o->button = false;
}

static void outer_tags(struct token_options *o)
{
    o->outer_tags = true;
}

static void own_identity(struct token_options *o)
{
    o->serial = 0x12345678;
    o->manufacturer = 0xFFFE;
}

static void not_extended(struct token_options *o)
{
    o->extended_length = false;
}

/* Specification §4.4.1: the order and nesting of the tree; the values are those of a new card. */
#define NOTHING_20 "0000000000000000000000000000000000000000"
#define NOTHING    NOTHING_20 NOTHING_20 NOTHING_20
#define DISCRETIONARY                                                                              \
    "C0 0A 7F000400080000FF0001 C1 06 010800002000 C2 06 010800002000 C3 06 010800002000"          \
    "C4 07 007F7F7F030003"                                                                         \
    "C5 3C" NOTHING "C6 3C" NOTHING "CD 0C 000000000000000000000000 DE 06 010002000300"
#define UIF      "D6 02 0020 D7 02 0020 D8 02 0020"
#define IDENTITY "4F 10 D276000124010304FF00000000010000 5F52 0A 0031F573C001E0059000"
#define LENGTHS  "7F66 08 02020C00 02020C00"

static void application_related_data_is_a_tree(void **state)
{
    struct token *t = exchange_new();

    (void)state;
    expect(t, "00 CA 006E 000000",
           IDENTITY LENGTHS "7F74 03 810120 73 81CB" DISCRETIONARY UIF "9000");
    expect(t, "00 CA 0073 00", DISCRETIONARY UIF "9000");
    token_free(&t);
}

static void missing_features_are_missing_from_the_tree(void **state)
{
    struct token *t = new_without(no_button);

    (void)state;
    expect(t, "00 CA 006E 00", IDENTITY LENGTHS "73 81BF" DISCRETIONARY "9000");
    expect(t, "00 CA 7F74 00", "6A88");
    expect(t, "00 CA 00D7 00", "6A88");
    expect(t, VERIFY_ADMIN, "9000");
    expect(t, "00 DA 00D7 02 0120", "6A88");
    token_free(&t);
}

static void outer_tags_are_put_around_the_trees(void **state)
{
    struct token *t = new_without(outer_tags);

    (void)state;
    expect(t, "00 CA 006E 000000",
           "6E 81FE" IDENTITY LENGTHS "7F74 03 810120 73 81CB" DISCRETIONARY UIF "9000");
    expect(t, "00 CA 0065 00", "65 09 5B00 5F2D00 5F350139 9000");
    expect(t, "00 CA 007A 00", "7A 05 9303000000 9000");
    expect(t, "00 CA 7F66 00", LENGTHS "9000");
    expect(t, "00 CA 7F74 00", "7F74 03 810120 9000");
    expect(t, "00 CA 00F9 00", "F9 03 810100 9000");
    expect(t, "00 CA 00C4 00", "007F7F7F030003 9000");
    expect(t, "00 CA 004F 00", "D276000124010304FF00000000010000 9000");
    expect(t, "00 CA 7F21 00", "9000");
    token_free(&t);
}

static void serial_and_manufacturer_are_in_the_aid(void **state)
{
    struct token *t = new_without(own_identity);

    (void)state;
    expect(t, "00 CA 004F 00", "D276000124010304FFFE123456780000 9000");
    token_free(&t);
}

static void simple_objects_are_answered_by_value(void **state)
{
    static const char *const pairs[][2] = {
        { "00 CA 5F52 00", "0031F573C001E0059000 9000" },
        { "00 CA 7F66 00", "02020C00 02020C00 9000" },
        { "00 CA 7F74 00", "810120 9000" },
        { "00 CA 00C0 00", "7F000400080000FF0001 9000" },
        { "00 CA 00C1 00", "010800002000 9000" },
        { "00 CA 00C2 00", "010800002000 9000" },
        { "00 CA 00C3 00", "010800002000 9000" },
        { "00 CA 00C4 00", "007F7F7F030003 9000" },
        { "00 CA 00CD 00", "000000000000000000000000 9000" },
        { "00 CA 00DE 00", "010002000300 9000" },
        { "00 CA 00D6 00", "0020 9000" },
        { "00 CA 00D7 00", "0020 9000" },
        { "00 CA 00D8 00", "0020 9000" },
        { "00 CA 0065 00", "5B00 5F2D00 5F350139 9000" },
        { "00 CA 007A 00", "9303000000 9000" },
        { "00 CA 0093 00", "000000 9000" },
        { "00 CA 00F9 00", "810100 9000" },
        { "00 CA 005E 00", "9000" },
        { "00 CA 5F50 00", "9000" },
        { "00 CA 0101 00", "9000" },
        { "00 CA 7F21 00", "9000" },
    };
    struct token *t = exchange_new();

    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        expect(t, pairs[i][0], pairs[i][1]);
    token_free(&t);
}

static void what_is_not_there_or_only_written_is_6a88(void **state)
{
    static const char *const absent[] = {
        "00 CA 9999 00", "00 CA 00C7 00", "00 CA 00CA 00", "00 CA 00CE 00",
        "00 CA 00D3 00", "00 CA 00D5 00", "00 CA 00D9 00", "00 CA 0105 00",
    };
    struct token *t = exchange_new();

    (void)state;
    expect(t, VERIFY_ADMIN, "9000");
    for (size_t i = 0; i < sizeof absent / sizeof absent[0]; i++)
        expect(t, absent[i], "6A88");
    expect(t, "00 DA 9999 01 00", "6A88");
    expect(t, "00 DA 004F 01 00", "6A88");
    expect(t, "00 DA 00C5 01 00", "6A88");
    expect(t, "00 DA 0093 03 000000", "6A88");
    expect(t, "00 CA 004F 01 00 00", "6700");
    token_free(&t);
}

static void cardholder_data_is_the_admins(void **state)
{
    struct token *t = exchange_new();

    (void)state;
    expect(t, "00 DA 005B 0E 4578616D706C653C3C416C696365", "6982");
    expect(t, VERIFY_OTHER, "9000");
    expect(t, "00 DA 005B 0E 4578616D706C653C3C416C696365", "6982");
    expect(t, VERIFY_ADMIN, "9000");
    expect(t, "00 DA 005B 0E 4578616D706C653C3C416C696365", "9000");
    expect(t, "00 DA 5F2D 04 64656672", "9000");
    expect(t, "00 DA 5F35 01 32", "9000");
    expect(t, "00 CA 0065 00",
           "5B 0E 4578616D706C653C3C416C696365 5F2D 04 64656672 5F35 01 32 9000");
    token_free(&t);
}

static void values_out_of_bounds_are_refused(void **state)
{
    struct token *t = exchange_new();

    (void)state;
    expect(t, VERIFY_ADMIN, "9000");
    expect(
        t,
        "00 DA 005B 28 41414141414141414141414141414141414141414141414141414141414141414141414141"
        "414141",
        "6700");
    expect(t, "00 DA 5F2D 03 646566", "6A80");
    expect(t, "00 DA 5F2D 0A 64656465646564656465", "6700");
    expect(t, "00 DA 5F35 01 33", "6A80");
    expect(t, "00 DA 5F35 02 3131", "6700");
    expect(t, "00 DA 00C7 13 00000000000000000000000000000000000000", "6700");
    expect(t, "00 DA 00CA 00", "6700");
    expect(t, "00 DA 00CE 03 000000", "6700");
    expect(t, "00 DA 00D5 0F 000000000000000000000000000000", "6700");
    token_free(&t);
}

static void special_objects_have_the_announced_bound(void **state)
{
    struct buffer command = BUFFER(300), answer = BUFFER(300);
    struct token *t = exchange_new();

    (void)state;
    expect(t, VERIFY_ADMIN, "9000");
    exchange_append_hex(&command, "00 DA 005E 00 0100");
    while (command.len < 7 + 256)
        assert_int_equal(buffer_append_u8(&command, 'a'), 0);
    token_command(t, buffer_view(&command), &answer);
    assert_memory_equal(answer.data, "\x67\x00", 2);
    command.data[5] = 0x00;
    command.data[6] = 0xFF;
    command.len = 7 + 255;
    token_command(t, buffer_view(&command), &answer);
    assert_memory_equal(answer.data, "\x90\x00", 2);
    exchange_send(t, "00 CA 005E 00", &answer);
    assert_int_equal(answer.len, 257);
    buffer_free(&command);
    buffer_free(&answer);
    token_free(&t);
}

static void fingerprints_and_times_have_setters(void **state)
{
    struct token *t = exchange_new();

    (void)state;
    expect(t, "00 DA 00C8 14 000102030405060708090A0B0C0D0E0F10111213", "6982");
    expect(t, VERIFY_ADMIN, "9000");
    expect(t, "00 DA 00C8 14 000102030405060708090A0B0C0D0E0F10111213", "9000");
    expect(t, "00 DA 00CC 14 101112131415161718191A1B1C1D1E1F20212223", "9000");
    expect(t, "00 DA 00CF 04 5F000001", "9000");
    expect(t, "00 CA 00C5 00",
           "0000000000000000000000000000000000000000 000102030405060708090A0B0C0D0E0F10111213"
           "0000000000000000000000000000000000000000 9000");
    expect(t, "00 CA 00C6 00",
           "0000000000000000000000000000000000000000 0000000000000000000000000000000000000000"
           "101112131415161718191A1B1C1D1E1F20212223 9000");
    expect(t, "00 CA 00CD 00", "00000000 5F000001 00000000 9000");
    token_free(&t);
}

/* Specification §4.4.1: read always or with PW1 or PW3, written with PW1 or PW3. */
static void private_objects_have_their_own_rules(void **state)
{
    struct token *t = exchange_new();

    (void)state;
    expect(t, "00 CA 0101 00", "9000");
    expect(t, "00 CA 0102 00", "9000");
    expect(t, "00 CA 0103 00", "6982");
    expect(t, "00 CA 0104 00", "6982");
    expect(t, "00 DA 0101 01 31", "6982");
    expect(t, VERIFY_SIGN, "9000");
    expect(t, "00 DA 0101 01 31", "6982");
    expect(t, VERIFY_OTHER, "9000");
    expect(t, "00 DA 0101 01 31", "9000");
    expect(t, "00 DA 0102 01 32", "6982");
    expect(t, "00 DA 0103 01 33", "9000");
    expect(t, "00 DA 0104 01 34", "6982");
    expect(t, "00 CA 0103 00", "33 9000");
    expect(t, "00 CA 0104 00", "6982");
    expect(t, "00 20 FF82", "9000");
    expect(t, VERIFY_ADMIN, "9000");
    expect(t, "00 DA 0101 01 35", "6982");
    expect(t, "00 DA 0102 01 32", "9000");
    expect(t, "00 DA 0103 01 35", "6982");
    expect(t, "00 DA 0104 01 34", "9000");
    expect(t, "00 CA 0103 00", "6982");
    expect(t, "00 CA 0104 00", "34 9000");
    expect(t, "00 CA 0101 00", "31 9000");
    token_free(&t);
}

static void three_certificates_are_kept_apart(void **state)
{
    struct token *t = exchange_new();

    (void)state;
    expect(t, "00 DA 7F21 02 A1A1", "6982");
    expect(t, VERIFY_ADMIN, "9000");
    expect(t, "00 DA 7F21 02 A1A1", "9000");
    expect(t, "00 A5 0104 06 60045C027F21", "9000");
    expect(t, "00 DA 7F21 02 B2B2", "9000");
    expect(t, "00 A5 0204 06 60045C027F21 00", "9000");
    expect(t, "00 DA 7F21 02 C3C3", "9000");
    expect(t, "00 CA 7F21 00", "C3C3 9000");
    expect(t, SELECT_OPENPGP, "9000");
    expect(t, "00 CA 7F21 00", "A1A1 9000");
    expect(t, "00 CC 7F21 00", "B2B2 9000");
    expect(t, "00 CC 7F21 00", "C3C3 9000");
    expect(t, "00 CC 7F21 00", "6A88");
    expect(t, "00 A5 0104 06 60045C027F21", "9000");
    expect(t, "00 CA 7F21 00", "B2B2 9000");
    token_free(&t);
}

static void select_data_is_for_certificates_only(void **state)
{
    struct token *t = exchange_new();

    (void)state;
    expect(t, "00 A5 0304 06 60045C027F21", "6A88");
    expect(t, "00 A5 0004 05 60035C015E", "6A80");
    expect(t, "00 A5 0000 06 60045C027F21", "6B00");
    expect(t, "00 A5 0004", "6A80");
    expect(t, "00 CC 005E 00", "6A88");
    expect(t, "00 CC 7F21 01 00 00", "6700");
    token_free(&t);
}

static void large_certificate_goes_in_and_out(void **state)
{
    struct buffer command = BUFFER(4096), answer = BUFFER(4096);
    struct token *t = exchange_new();

    (void)state;
    expect(t, VERIFY_ADMIN, "9000");
    exchange_append_hex(&command, "00 DA 7F21 00 0800");
    while (command.len < 7 + 2048)
        assert_int_equal(buffer_append_u8(&command, (uint8_t)command.len), 0);
    token_command(t, buffer_view(&command), &answer);
    assert_memory_equal(answer.data, "\x90\x00", 2);
    exchange_send(t, "00 CA 7F21 000000", &answer);
    assert_int_equal(answer.len, 2048 + 2);
    assert_memory_equal(answer.data, command.data + 7, 2048);
    command.data[6] = 0x01;
    assert_int_equal(buffer_append_u8(&command, 0), 0);
    token_command(t, buffer_view(&command), &answer);
    assert_memory_equal(answer.data, "\x67\x00", 2);
    buffer_free(&command);
    buffer_free(&answer);
    token_free(&t);
}

static void touch_flags_are_set_and_may_be_for_good(void **state)
{
    struct token *t = exchange_new();

    (void)state;
    expect(t, "00 DA 00D7 02 0120", "6982");
    expect(t, VERIFY_ADMIN, "9000");
    expect(t, "00 DA 00D7 01 01", "6700");
    expect(t, "00 DA 00D7 02 0320", "6A80");
    expect(t, "00 DA 00D7 02 0100", "6A80");
    expect(t, "00 DA 00D7 02 0120", "9000");
    expect(t, "00 DA 00D7 02 0020", "9000");
    expect(t, "00 DA 00D7 02 0220", "9000");
    expect(t, "00 DA 00D7 02 0020", "6985");
    expect(t, "00 CA 00D7 00", "0220 9000");
    expect(t, "00 E6 0000", "9000");
    expect(t, "00 44 0000", "9000");
    expect(t, "00 CA 00D7 00", "0020 9000");
    token_free(&t);
}

static void challenge_has_the_length_asked_for(void **state)
{
    struct buffer a = BUFFER(2048), b = BUFFER(2048);
    struct token *t = exchange_new();

    (void)state;
    exchange_send(t, "00 84 0000 20", &a);
    exchange_send(t, "00 84 0000 20", &b);
    assert_int_equal(a.len, 34);
    assert_memory_not_equal(a.data, b.data, 32);
    exchange_send(t, "00 84 0000 000400", &a);
    assert_int_equal(a.len, 1026);
    expect(t, "00 84 0000 000401", "6700");
    expect(t, "00 84 0100 08", "6B00");
    expect(t, "00 84 0000 01 00 08", "6700");
    buffer_free(&a);
    buffer_free(&b);
    token_free(&t);
}

static void files_of_the_card_are_read_by_get_data(void **state)
{
    struct token *t = exchange_new();

    (void)state;
    expect(t, "00 CB 2F01 02 5C00 00", "43 01 F5 47 03 C001E0 7F66 08 02020C00 02020C00 9000");
    expect(t, "00 CB 2F00 02 5C00 00", "61 11 4F 06 D27600012401 50 07 4F70656E504750 9000");
    expect(t, "00 CB 2F02 02 5C00 00", "6B00");
    expect(t, "00 CB 2F01 03 5C015E 00", "6A80");
    token_free(&t);
    t = new_without(not_extended);
    expect(t, "00 CB 2F01 02 5C00 00", "43 01 F5 47 03 C00180 9000");
    token_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(application_related_data_is_a_tree),
        cmocka_unit_test(missing_features_are_missing_from_the_tree),
        cmocka_unit_test(outer_tags_are_put_around_the_trees),
        cmocka_unit_test(serial_and_manufacturer_are_in_the_aid),
        cmocka_unit_test(simple_objects_are_answered_by_value),
        cmocka_unit_test(what_is_not_there_or_only_written_is_6a88),
        cmocka_unit_test(cardholder_data_is_the_admins),
        cmocka_unit_test(values_out_of_bounds_are_refused),
        cmocka_unit_test(special_objects_have_the_announced_bound),
        cmocka_unit_test(fingerprints_and_times_have_setters),
        cmocka_unit_test(private_objects_have_their_own_rules),
        cmocka_unit_test(three_certificates_are_kept_apart),
        cmocka_unit_test(select_data_is_for_certificates_only),
        cmocka_unit_test(large_certificate_goes_in_and_out),
        cmocka_unit_test(touch_flags_are_set_and_may_be_for_good),
        cmocka_unit_test(challenge_has_the_length_asked_for),
        cmocka_unit_test(files_of_the_card_are_read_by_get_data),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
