/* Messages and descriptors of CCID 1.1. Octets of messages are made by hand from its tables; the
 * descriptors are those that devices sent to libccid's collection (usb, features, lengths). */
#include "ccid/ccid_message.h"
#include "tests/unit/hex.h"

static void commands(void **state)
{
    static const struct {
        struct ccid_command command;
        const char *data, *message;
    } rows[] = {
        { { CCID_ICC_POWER_ON, 0, 7, { 1, 0, 0 }, { 0 } }, "", "62 00000000 00 07 01 0000" },
        { { CCID_ICC_POWER_OFF, 1, 8, { 0 }, { 0 } }, "", "63 00000000 01 08 00 0000" },
        { { CCID_GET_SLOT_STATUS, 2, 0xff, { 0 }, { 0 } }, "", "65 00000000 02 FF 00 0000" },
        { { CCID_XFR_BLOCK, 0, 9, { 5, CCID_GO_ON, 0 }, { 0 } }, "", "6F 00000000 00 09 05 1000" },
        { { CCID_XFR_BLOCK, 0, 9, { 0, CCID_FIRST, 0 }, { 0 } },
          "A5{261}",
          "6F 05010000 00 09 00 0100 A5{261}" },
        { { CCID_SET_PARAMETERS, 0, 1, { 1 }, { 0 } },
          "18 10 FF 75 00 FE 00",
          "61 07000000 00 01 01 0000 18 10 FF 75 00 FE 00" },
        { { CCID_ESCAPE, 0, 1, { 0 }, { 0 } }, "1F01", "6B 02000000 00 01 00 0000 1F01" },
        { { CCID_ABORT, 0, 3, { 0 }, { 0 } }, "", "72 00000000 00 03 00 0000" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ccid_command command = rows[i].command;
        struct buffer message = BUFFER(400);

        command.data = hex(rows[i].data);
        assert_ok(ccid_command_encode(&command, &message));
        assert_octets(buffer_view(&message), rows[i].message);
        assert_int_equal(ccid_message_len(buffer_view(&message)), message.len);
        buffer_free(&message);
    }
}

static void too_long(void **state)
{
    static uint8_t data[CCID_MESSAGE_MAX];
    struct ccid_command command = { .type = CCID_XFR_BLOCK, .data = view_of(data, sizeof data) };
    struct buffer message = BUFFER(2 * CCID_MESSAGE_MAX);

    (void)state;
    assert_err(ccid_command_encode(&command, &message), GPG_ERR_TOO_LARGE);
    command.data.len -= CCID_HEADER_LEN;
    assert_ok(ccid_command_encode(&command, &message));
    buffer_free(&message);
}

static void answers(void **state)
{
    struct ccid_answer a;

    (void)state;
    assert_ok(ccid_answer_parse(hex("80 02000000 01 2A 00 00 01 9000"), &a));
    assert_int_equal(a.type, CCID_DATA_BLOCK);
    assert_int_equal(a.slot, 1);
    assert_int_equal(a.seq, 0x2a);
    assert_int_equal(a.icc, CCID_ICC_ACTIVE);
    assert_int_equal(a.status, CCID_DONE);
    assert_int_equal(a.specific, CCID_FIRST);
    assert_octets(a.data, "9000");
    /* a YubiKey after the computer's sleep */
    assert_ok(ccid_answer_parse(hex("81 00000000 00 05 40 FC 00"), &a));
    assert_int_equal(a.status, CCID_FAILED);
    assert_int_equal(a.icc, CCID_ICC_ACTIVE);
    assert_string_equal(ccid_error_name(a.error), "overrun");
    /* Gnuk waits for its button */
    assert_ok(ccid_answer_parse(hex("80 00000000 00 05 80 FF 00"), &a));
    assert_int_equal(a.status, CCID_TIME_EXTENSION);
    assert_int_equal(a.error, CCID_EXTENSION_TOUCH);
    assert_ok(ccid_answer_parse(hex("81 00000000 00 05 42 FE 00"), &a));
    assert_int_equal(a.icc, CCID_ICC_ABSENT);
    /* zeros behind the end (libccid's issues 66 and 67) */
    assert_ok(ccid_answer_parse(hex("81 00000000 00 05 01 00 00 000000"), &a));
    assert_int_equal(a.data.len, 0);
}

static void no_answers(void **state)
{
    static const char *const bad[] = { "",
                                       "80",
                                       "80 00000000 00 05 00 00",
                                       "80 01000000 00 05 00 00 00",
                                       "80 FFFFFFFF 00 05 00 00 00 9000",
                                       "80 F6FFFFFF 00 05 00 00 00" };
    struct ccid_answer a, before;

    (void)state;
    memset(&a, 0xa5, sizeof a);
    before = a;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_err(ccid_answer_parse(hex(bad[i]), &a), GPG_ERR_INV_LENGTH);
        assert_memory_equal(&a, &before, sizeof a);
    }
    assert_true(ccid_message_len(hex("80 FFFFFFFF 00 05 00 00 00")) == 0x100000009);
}

static void every_error_has_a_name(void **state)
{
    /* CCID 1.1 table 6.2-2, and what libccid knows of vendors' own */
    static const uint8_t named[] = { 0x00, 0xa2, 0xa3, 0xbb, 0xbe, 0xe0, 0xef, 0xf0, 0xf2, 0xf3,
                                     0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xfb, 0xfc, 0xfd, 0xfe, 0xff };
    const char *other = ccid_error_name(0x80), *field = ccid_error_name(0x01);

    (void)state;
    for (size_t i = 0; i < sizeof named; i++) {
        assert_string_not_equal(ccid_error_name(named[i]), other);
        assert_string_not_equal(ccid_error_name(named[i]), field);
    }
    for (unsigned error = 1; error <= 0x7f; error++)
        assert_string_equal(ccid_error_name((uint8_t)error), field);
    assert_string_equal(ccid_error_name(0xe0), "slot busy");
    assert_string_equal(ccid_error_name(0xef), "PIN cancelled");
    assert_string_equal(ccid_error_name(0xfe), "card mute");
}

/* Several in one packet; slots beyond those of the reader are not looked at. */
static void notices(void **state)
{
    struct view packet = hex("50 03 51 00 2A FB 50 02");
    struct ccid_notice n;

    (void)state;
    assert_true(ccid_notice_next(&packet, 1, &n));
    assert_false(n.hardware_error);
    assert_int_equal(n.present, 1);
    assert_int_equal(n.changed, 1);
    assert_true(ccid_notice_next(&packet, 1, &n));
    assert_true(n.hardware_error);
    assert_int_equal(n.seq, 0x2a);
    assert_int_equal(n.error, 0xfb);
    assert_true(ccid_notice_next(&packet, 1, &n));
    assert_int_equal(n.present, 0);
    assert_int_equal(n.changed, 1);
    assert_false(ccid_notice_next(&packet, 1, &n));
    packet = hex("50 C3 FF");
    assert_true(ccid_notice_next(&packet, 5, &n));
    assert_int_equal(n.present, 0x19);
    assert_int_equal(n.changed, 0x19);
    packet = hex("50");
    assert_false(ccid_notice_next(&packet, 1, &n));
    packet = hex("77 50 03");
    assert_false(ccid_notice_next(&packet, 1, &n));
    packet = hex("50 03");
    assert_false(ccid_notice_next(&packet, 5, &n));
}

/* length type, bcdCCID, bMaxSlotIndex, bVoltageSupport, dwProtocols, default and maximum clock and
 * their number, rates and their number, dwMaxIFSD, synchronous, mechanical, dwFeatures,
 * dwMaxCCIDMessageLength, classes, LCD, PIN, busy slots */
#define DESCRIPTOR(slots, volts, protocols, ifsd, features, max, pin)                              \
    "36 21 1001" slots volts protocols "A00F0000 A00F0000 00 00B00400 00B00400 00" ifsd            \
    "00000000 00000000" features max "FFFF 0000" pin "01"

static const struct {
    const char *octets;
    enum ccid_level level;
    uint32_t features, max_message, max_ifsd;
} devices[] = {
    /* YubiKey 5 */
    { DESCRIPTOR("00", "07", "02000000", "F60B0000", "FE000400", "000C0000", "00"),
      CCID_EXTENDED_APDU, 0x000400fe, 3072, 3062 },
    /* Nitrokey Pro, Storage */
    { DESCRIPTOR("00", "07", "03000000", "FE000000", "BA040100", "0F010000", "00"), CCID_TPDU,
      0x000104ba, 271, 254 },
    { DESCRIPTOR("00", "07", "03000000", "30000000", "BA040100", "0F010000", "00"), CCID_TPDU,
      0x000104ba, 271, 48 },
    /* Nitrokey Start, an old Gnuk */
    { DESCRIPTOR("00", "01", "02000000", "FE000000", "42080200", "0F010000", "00"), CCID_SHORT_APDU,
      0x00020842, 271, 254 },
    { DESCRIPTOR("00", "01", "02000000", "FE000000", "42000400", "40000000", "00"),
      CCID_EXTENDED_APDU, 0x00040042, 64, 254 },
    /* Nitrokey 3, CanoKey, USB Armory */
    { DESCRIPTOR("00", "01", "02000000", "FE000000", "40080400", "000C0000", "00"),
      CCID_EXTENDED_APDU, 0x00040840, 3072, 254 },
    { DESCRIPTOR("00", "07", "02000000", "3E050000", "FE000400", "48050000", "00"),
      CCID_EXTENDED_APDU, 0x000400fe, 1352, 1342 },
    { DESCRIPTOR("00", "07", "02000000", "FE000000", "FE000400", "00500000", "00"),
      CCID_EXTENDED_APDU, 0x000400fe, 20480, 254 },
    /* Gemalto CT30, SCR331, an old Ledger */
    { DESCRIPTOR("00", "07", "03000000", "FE000000", "30020100", "0F010000", "00"), CCID_TPDU,
      0x00010230, 271, 254 },
    { DESCRIPTOR("00", "01", "03000000", "FC000000", "BA000100", "07010000", "00"), CCID_TPDU,
      0x000100ba, 263, 252 },
    { DESCRIPTOR("00", "01", "01000000", "00000000", "38000200", "0F010000", "00"), CCID_SHORT_APDU,
      0x00020038, 271, 0 },
    /* one that works with characters */
    { DESCRIPTOR("00", "01", "01000000", "FE000000", "30000000", "0F010000", "00"), CCID_CHARACTER,
      0x00000030, 271, 254 },
};

static void descriptors_of_devices(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof devices / sizeof devices[0]; i++) {
        struct ccid_descriptor d;

        assert_ok(ccid_descriptor_parse(hex(devices[i].octets), &d));
        assert_int_equal(d.level, devices[i].level);
        assert_int_equal(d.features, devices[i].features);
        assert_int_equal(d.max_message, devices[i].max_message);
        assert_int_equal(d.max_ifsd, devices[i].max_ifsd);
        assert_int_equal(d.slots, 1);
        assert_int_equal(d.clock_khz, 4000);
        assert_int_equal(d.max_bit_rate, 307200);
    }
}

static void descriptor_among_others(void **state)
{
    struct ccid_descriptor d;

    (void)state;
    assert_ok(ccid_descriptor_parse(
        hex("04 24 0102 36 24 AA{52}" DESCRIPTOR("00", "07", "02000000", "F60B0000", "FE000400",
                                                 "000C0000", "00")),
        &d));
}

static void numbers_out_of_range(void **state)
{
    struct ccid_descriptor d;

    (void)state;
    assert_ok(ccid_descriptor_parse(
        hex(DESCRIPTOR("FF", "07", "02000000", "F60B0000", "FE000400", "FFFFFFFF", "FF")), &d));
    assert_int_equal(d.slots, CCID_SLOTS_MAX);
    assert_int_equal(d.max_message, CCID_MESSAGE_MAX);
    assert_int_equal(d.pin_operations, 3);
    assert_err(
        ccid_descriptor_parse(
            hex(DESCRIPTOR("00", "07", "02000000", "F60B0000", "FE000400", "10000000", "00")), &d),
        GPG_ERR_BAD_DATA);
}

/* Every cut, and every length that the first octet can claim. */
static void descriptors_cut(void **state)
{
    struct view whole =
        hex(DESCRIPTOR("00", "07", "02000000", "F60B0000", "FE000400", "000C0000", "00"));
    struct ccid_descriptor d;

    (void)state;
    for (size_t len = 0; len < whole.len; len++) {
        uint8_t *cut = exact_copy(view_of(whole.data, len));

        assert_err(ccid_descriptor_parse(view_of(cut, len), &d), GPG_ERR_NOT_FOUND);
        free(cut);
    }
    for (unsigned len = 0; len < 256; len++) {
        uint8_t *claims = exact_copy(whole);

        claims[0] = (uint8_t)len;
        assert_err(ccid_descriptor_parse(view_of(claims, whole.len), &d),
                   len == whole.len ? 0 : GPG_ERR_NOT_FOUND);
        free(claims);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands),
        cmocka_unit_test(too_long),
        cmocka_unit_test(answers),
        cmocka_unit_test(no_answers),
        cmocka_unit_test(every_error_has_a_name),
        cmocka_unit_test(notices),
        cmocka_unit_test(descriptors_of_devices),
        cmocka_unit_test(descriptor_among_others),
        cmocka_unit_test(numbers_out_of_range),
        cmocka_unit_test(descriptors_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
