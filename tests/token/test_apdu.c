/* Command APDUs: their forms, chains, long answers, classes. */
#include "tests/token/apdu.h"
#include "tests/token/exchange.h"

static bool decodes(const char *hex, struct command *c)
{
    static struct buffer octets = BUFFER(512);

    buffer_clear(&octets);
    exchange_append_hex(&octets, hex);
    return token_apdu_decode(buffer_view(&octets), c);
}

/* ISO 7816-4 §5.1, table 1 and what follows it */
static void every_case_is_decoded(void **state)
{
    struct command c;

    (void)state;
    assert_true(decodes("00A40400", &c));
    assert_int_equal(c.data.len, 0);
    assert_false(c.has_le);
    assert_true(decodes("00CA004F10", &c));
    assert_true(c.has_le);
    assert_int_equal(c.le, 16);
    assert_true(decodes("00CA004F00", &c));
    assert_int_equal(c.le, 256);
    assert_true(decodes("00CA004F 000100", &c));
    assert_true(c.extended);
    assert_int_equal(c.le, 256);
    assert_true(decodes("00CA004F 000000", &c));
    assert_int_equal(c.le, 65536);
    assert_true(decodes("0020008202 3132", &c));
    assert_int_equal(c.data.len, 2);
    assert_false(c.has_le);
    assert_true(decodes("002A8086 01 FF 05", &c));
    assert_int_equal(c.data.len, 1);
    assert_int_equal(c.le, 5);
    assert_true(decodes("002A8086 000002 AABB", &c));
    assert_int_equal(c.data.len, 2);
    assert_false(c.has_le);
    assert_true(decodes("002A8086 000002 AABB 0800", &c));
    assert_int_equal(c.le, 2048);
    assert_int_equal(c.data.data[1], 0xBB);
}

static void lengths_that_do_not_add_up_are_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        "00",
        "00A404",
        "00200082 02 31",                /* a header, data cut short */
        "00200082 01 31 00 00",          /* two octets of a short Le */
        "00200082 00 00",                /* extended Le cut short */
        "00200082 0000 00 00",           /* extended Lc of 0 */
        "00200082 000003 3132",          /* extended data cut short */
        "00200082 000002 3132 00",       /* half an extended Le */
        "00200082 000002 3132 00 00 00", /* one octet too many */
    };
    struct command c = { .ins = 0x77 };

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(decodes(wrong[i], &c));
    assert_int_equal(c.ins, 0x77);
}

static void wrong_lengths_are_6700_on_the_card(void **state)
{
    struct token *t = exchange_new();

    (void)state;
    expect(t, "", "6700");
    expect(t, "00 CA 00", "6700");
    expect(t, "00 20 00 82 07 313233343536", "6700");
    expect(t, "00 CA 00 4F 00 00", "6700");
    token_free(&t);
}

static void answers_need_le(void **state)
{
    struct token *t = exchange_new();

    (void)state;
    expect(t, "00 CA 004F", "6700");
    expect(t, "00 84 0000", "6700");
    expect(t, "00 47 8100 02 B600", "6700");
    /* Le where nothing comes back does no harm. */
    expect(t, "00 20 00 82 06 313233343536 00", "9000");
    token_free(&t);
}

static void classes_are_told_apart(void **state)
{
    struct token *t = exchange_new();

    (void)state;
    expect(t, "01 CA 004F 00", "6881");
    expect(t, "40 CA 004F 00", "6881");
    expect(t, "0C CA 004F 00", "6882");
    expect(t, "80 CA 004F 00", "6E00");
    expect(t, "20 CA 004F 00", "6E00");
    expect(t, "00 FE 0000 00", "6D00");
    token_free(&t);
}

static void chained_command_is_one_command(void **state)
{
    struct token *t = exchange_new();

    (void)state;
    expect(t, "10 20 00 82 02 3132", "9000");
    expect(t, "10 20 00 82 02 3334", "9000");
    expect(t, "00 20 00 82 02 3536", "9000");
    expect(t, "00 20 00 82", "9000");
    token_free(&t);
}

static void chain_broken_by_another_command_is_dropped(void **state)
{
    struct token *t = exchange_new();

    (void)state;
    expect(t, "10 20 00 82 03 313233", "9000");
    expect(t, "00 CA 00 4F 00", "6883");
    expect(t, "00 20 00 82 03 343536", "6700");
    expect(t, "10 20 00 82 03 313233", "9000");
    expect(t, "00 20 00 83 03 343536", "6883");
    expect(t, "00 20 00 82", "63C3");
    token_free(&t);
}

static void chain_is_bounded(void **state)
{
    struct buffer link = BUFFER(300), answer = BUFFER(16);
    struct token *t = exchange_new();
    int links = 0;

    (void)state;
    exchange_append_hex(&link, "10 DA 7F21 FF");
    while (link.len < 5 + 255)
        assert_int_equal(buffer_append_u8(&link, 0x55), 0);
    do {
        token_command(t, buffer_view(&link), &answer);
        links++;
    } while (answer.data[0] == 0x90 && links < 1000);
    assert_memory_equal(answer.data, "\x67\x00", 2);
    assert_in_range(links, 10, 20);
    buffer_free(&link);
    buffer_free(&answer);
    token_free(&t);
}

static void card_without_chaining_says_so(void **state)
{
    struct token_options o;
    struct token *t;

    (void)state;
    token_default_options(&o);
    o.command_chaining = false;
    t = exchange_new_with(&o);
    expect(t, "10 20 00 82 03 313233", "6884");
    expect(t, "00 CA 5F52 00", "0031F573C00160059000 9000");
    token_free(&t);
}

static void card_without_extended_length_refuses_it(void **state)
{
    struct token_options o;
    struct token *t;

    (void)state;
    token_default_options(&o);
    o.extended_length = false;
    t = exchange_new_with(&o);
    expect(t, "00 CA 004F 000000", "6700");
    expect(t, "00 CA 5F52 00", "0031F573C00180059000 9000");
    expect(t, "00 CA 7F66 00", "6A88");
    token_free(&t);
}

/* DO FA does not fit into 256 octets. */
static void long_answer_comes_in_parts(void **state)
{
    struct buffer whole = BUFFER(4096), part = BUFFER(4096);
    struct token *t = exchange_new();
    size_t first;

    (void)state;
    exchange_send(t, "00 CA 00FA 000000", &whole);
    assert_true(whole.len > 258);
    exchange_send(t, "00 CA 00FA 00", &part);
    assert_int_equal(part.len, 258);
    assert_memory_equal(part.data, whole.data, 256);
    assert_int_equal(part.data[256], 0x61);
    first = whole.len - 2 - 256;
    assert_int_equal(part.data[257], first);
    exchange_send(t, "00 C0 0000 00", &part);
    assert_int_equal(part.len, first + 2);
    assert_memory_equal(part.data, whole.data + 256, first + 2);
    expect(t, "00 C0 0000 00", "6985");
    buffer_free(&whole);
    buffer_free(&part);
    token_free(&t);
}

static void answer_longer_than_le_is_cut_by_le(void **state)
{
    struct token *t = exchange_new();

    (void)state;
    expect(t, "00 CA 004F 06", "D27600012401 610A");
    expect(t, "00 C0 0000 04", "0304FF00 6106");
    expect(t, "00 C0 0000 00", "000000010000 9000");
    token_free(&t);
}

static void another_command_drops_the_rest_of_an_answer(void **state)
{
    struct token *t = exchange_new();

    (void)state;
    expect(t, "00 CA 004F 06", "D27600012401 610A");
    expect(t, "00 CA 005E 00", "9000");
    expect(t, "00 C0 0000 0A", "6985");
    token_free(&t);
}

static void card_without_get_response_wants_a_great_le(void **state)
{
    struct token_options o;
    struct token *t;

    (void)state;
    token_default_options(&o);
    o.get_response = false;
    t = exchange_new_with(&o);
    expect(t, "00 CA 004F 06", "6700");
    expect(t, "00 CA 00FA 00", "6700");
    expect(t, "00 C0 0000 00", "6D00");
    expect(t, "00 CA 004F 000010", "D276000124010304FF00000000010000 9000");
    token_free(&t);
}

static void get_response_checks_its_form(void **state)
{
    struct token *t = exchange_new();

    (void)state;
    expect(t, "00 CA 004F 06", "D27600012401 610A");
    expect(t, "00 C0 0100 00", "6B00");
    expect(t, "00 C0 0000 01 00", "6700");
    expect(t, "00 C0 0000", "6700");
    expect(t, "00 C0 0000 0A", "0304FF00000000010000 9000");
    token_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_case_is_decoded),
        cmocka_unit_test(lengths_that_do_not_add_up_are_refused),
        cmocka_unit_test(wrong_lengths_are_6700_on_the_card),
        cmocka_unit_test(answers_need_le),
        cmocka_unit_test(classes_are_told_apart),
        cmocka_unit_test(chained_command_is_one_command),
        cmocka_unit_test(chain_broken_by_another_command_is_dropped),
        cmocka_unit_test(chain_is_bounded),
        cmocka_unit_test(card_without_chaining_says_so),
        cmocka_unit_test(card_without_extended_length_refuses_it),
        cmocka_unit_test(long_answer_comes_in_parts),
        cmocka_unit_test(answer_longer_than_le_is_cut_by_le),
        cmocka_unit_test(another_command_drops_the_rest_of_an_answer),
        cmocka_unit_test(card_without_get_response_wants_a_great_le),
        cmocka_unit_test(get_response_checks_its_form),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
