#include "apdu/iso7816.h"
#include "tests/unit/hex.h"

/* ISO 7816-4 §5.1, table 3: which fields each case has, and how long. */
static void commands_are_written_by_case(void **state)
{
    const struct view pin = hex("313233343536");
    const struct view crt = hex("B800");
    const struct {
        struct command command;
        bool extended;
        const char *apdu;
    } rows[] = {
        { { .ins = 0xe6 }, false, "00E60000" },
        { { .ins = 0xe6 }, true, "00E60000" },
        { { .ins = 0x84, .le = 8 }, false, "0084000008" },
        { { .ins = 0xca, .p2 = 0x6e, .le = 256 }, false, "00CA006E00" },
        { { .ins = 0x84, .le = 8 }, true, "00840000 000008" },
        { { .ins = 0xca, .p2 = 0x6e, .le = 256 }, true, "00CA006E 000100" },
        { { .ins = 0xca, .p2 = 0x6e, .le = 65536 }, true, "00CA006E 000000" },
        { { .ins = 0x20, .p2 = 0x82, .data = pin }, false, "00200082 06 313233343536" },
        { { .ins = 0x20, .p2 = 0x82, .data = pin }, true, "00200082 000006 313233343536" },
        { { .ins = 0x47, .p1 = 0x81, .data = crt, .le = 256 }, false, "00478100 02 B800 00" },
        { { .ins = 0x47, .p1 = 0x81, .data = crt, .le = 2048 }, true, "00478100 000002 B800 0800" },
        { { .ins = 0x47, .p1 = 0x81, .data = crt, .le = 65536 },
          true,
          "00478100 000002 B800 0000" },
        { { .cla = 0x10, .ins = 0x2a, .p1 = 0x80, .p2 = 0x86, .data = crt },
          false,
          "102A8086 02 B800" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buffer apdu = BUFFER(64);

        assert_ok(command_encode(&rows[i].command, rows[i].extended, &apdu));
        assert_octets(buffer_view(&apdu), rows[i].apdu);
        buffer_free(&apdu);
    }
}

static void each_form_has_its_limits(void **state)
{
    static const uint8_t data[65536];
    const struct {
        size_t data_len;
        uint32_t le;
        bool extended;
        size_t apdu_len; /* 0: too large */
    } rows[] = {
        { 255, 0, false, 4 + 1 + 255 },
        { 256, 0, false, 0 },
        { 255, 256, false, 4 + 1 + 255 + 1 },
        { 0, 257, false, 0 },
        { 65535, 0, true, 4 + 3 + 65535 },
        { 65536, 0, true, 0 },
        { 1, 65536, true, 4 + 3 + 1 + 2 },
        { 0, 65537, true, 0 },
        { 65535, 65537, true, 0 },
        { 256, 256, true, 4 + 3 + 256 + 2 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct command command = { .data = view_of(data, rows[i].data_len), .le = rows[i].le };
        struct buffer apdu = BUFFER(70000);
        gpg_error_t err = command_encode(&command, rows[i].extended, &apdu);

        assert_err(err, rows[i].apdu_len ? GPG_ERR_NO_ERROR : GPG_ERR_TOO_LARGE);
        assert_int_equal(apdu.len, rows[i].apdu_len); /* nothing on failure */
        buffer_free(&apdu);
    }
}

static void full_buffer_is_left_alone(void **state)
{
    struct command command = { .ins = 0x20, .data = hex("313233343536"), .le = 256 };

    (void)state;
    for (size_t max = 1; max < 1 + 4 + 3 + 6 + 2; max++) {
        struct buffer apdu = BUFFER(max);

        assert_ok(buffer_append_u8(&apdu, 0xee));
        assert_err(command_encode(&command, true, &apdu), GPG_ERR_TOO_LARGE);
        assert_octets(buffer_view(&apdu), "EE");
        buffer_free(&apdu);
    }
}

static void answer_ends_with_its_status_word(void **state)
{
    struct view data = view_of("x", 1);
    uint16_t sw = 7;

    (void)state;
    assert_err(answer_split(hex(""), &data, &sw), GPG_ERR_CARD);
    assert_err(answer_split(hex("90"), &data, &sw), GPG_ERR_CARD);
    assert_int_equal(data.len, 1);
    assert_int_equal(sw, 7);
    assert_ok(answer_split(hex("6A88"), &data, &sw));
    assert_int_equal(data.len, 0);
    assert_int_equal(sw, 0x6a88);
    assert_ok(answer_split(hex("0102 9000"), &data, &sw));
    assert_octets(data, "0102");
    assert_int_equal(sw, 0x9000);
}

/* OpenPGP card specification §7.1 and what cards make of it. */
static void status_words_have_meanings(void **state)
{
    const struct {
        uint16_t sw;
        gpg_err_code_t code;
    } rows[] = {
        { 0x9000, GPG_ERR_NO_ERROR },    { 0x6285, GPG_ERR_OBJ_TERM_STATE },
        { 0x63c3, GPG_ERR_BAD_PIN },     { 0x63c1, GPG_ERR_BAD_PIN },
        { 0x63c0, GPG_ERR_PIN_BLOCKED }, { 0x6300, GPG_ERR_BAD_PIN },
        { 0x6303, GPG_ERR_BAD_PIN },     { 0x63cf, GPG_ERR_BAD_PIN },
        { 0x6600, GPG_ERR_TIMEOUT },     { 0x6982, GPG_ERR_BAD_PIN },
        { 0x6983, GPG_ERR_PIN_BLOCKED }, { 0x6985, GPG_ERR_USE_CONDITIONS },
        { 0x6700, GPG_ERR_INV_VALUE },   { 0x6a80, GPG_ERR_INV_VALUE },
        { 0x6a88, GPG_ERR_NO_OBJ },      { 0x6a83, GPG_ERR_NO_OBJ },
        { 0x6a81, GPG_ERR_NO_OBJ },      { 0x6a82, GPG_ERR_ENOENT },
        { 0x6999, GPG_ERR_ENOENT },      { 0x6f00, GPG_ERR_CARD },
        { 0x6400, GPG_ERR_CARD },        { 0x6581, GPG_ERR_CARD },
        { 0x6883, GPG_ERR_CARD },        { 0x6884, GPG_ERR_CARD },
        { 0x0000, GPG_ERR_CARD },        { 0x6101, GPG_ERR_CARD },
        { 0x6c10, GPG_ERR_CARD },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_err(status_word_error(rows[i].sw), rows[i].code);
}

/* Every status word that a card was seen to give for an object that it does not have. */
static void absence_has_many_words(void **state)
{
    static const uint16_t absent[] = { 0x6a82, 0x6a83, 0x6a88, 0x6a81, 0x6b00, 0x6a86, 0x6d00 };
    static const uint16_t other[] = { 0x9000, 0x6982, 0x6983, 0x6700, 0x6f00, 0x6985, 0x6a80 };

    (void)state;
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++)
        assert_true(status_word_absent(absent[i]));
    for (size_t i = 0; i < sizeof other / sizeof *other; i++)
        assert_false(status_word_absent(other[i]));
}

/* Answers to SELECT and GET DATA while another application, or none, is selected. */
static void other_applications_are_told(void **state)
{
    static const uint16_t foreign[] = { 0x6a82, 0x6986, 0x6999, 0x6d00, 0x6e00, 0x6a88, 0x6b00 };
    static const uint16_t other[] = { 0x9000, 0x6285, 0x6982, 0x6983, 0x63c2, 0x6700, 0x6a80 };

    (void)state;
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        assert_true(status_word_foreign(foreign[i]));
    for (size_t i = 0; i < sizeof other / sizeof *other; i++)
        assert_false(status_word_foreign(other[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_are_written_by_case),
        cmocka_unit_test(each_form_has_its_limits),
        cmocka_unit_test(full_buffer_is_left_alone),
        cmocka_unit_test(answer_ends_with_its_status_word),
        cmocka_unit_test(status_words_have_meanings),
        cmocka_unit_test(absence_has_many_words),
        cmocka_unit_test(other_applications_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
