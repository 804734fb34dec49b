#include "apdu/application_data.h"
#include "tests/unit/card_shapes.h"
#include "tests/unit/hex.h"

static const char *const shapes[] = { shape_neo,  shape_neo_flat, shape_smartpgp, shape_canokey,
                                      shape_gnuk, shape_yubikey4, shape_yubikey5 };

#define SHAPES (sizeof shapes / sizeof *shapes)

static struct application_data parsed(const char *shape)
{
    struct application_data data;

    assert_ok(application_data_parse(hex(shape), &data));
    return data;
}

static void assert_fingerprint(const struct slot_data *slot, const char *digits)
{
    assert_octets(view_of(slot->fingerprint, FINGERPRINT_LEN), digits);
}

static void neo_is_understood_in_both_nestings(void **state)
{
    (void)state;
    for (int flat = 0; flat < 2; flat++) {
        struct application_data d = parsed(flat ? shape_neo_flat : shape_neo);

        assert_octets(view_of(d.aid, AID_LEN), "D2760001240102000006000000030000");
        assert_int_equal(d.version, 0x0200);
        assert_int_equal(d.manufacturer, 0x0006);
        assert_int_equal(d.serial, 3);
        assert_true(d.card.chaining);
        assert_false(d.card.extended_length);
        assert_true(d.extended.secure_messaging);
        assert_false(d.extended.kdf);
        assert_false(d.button);
        assert_int_equal(d.pw.pw1_max, 127);
        assert_int_equal(d.pw.reset_code_tries, 3);
        assert_int_equal(d.slot[SLOT_DECRYPT].algorithm.kind, KEY_RSA);
        assert_int_equal(d.slot[SLOT_DECRYPT].algorithm.rsa_bits, 2048);
        assert_fingerprint(&d.slot[SLOT_SIGN], SHAPE_FPR(1));
        assert_fingerprint(&d.slot[SLOT_DECRYPT], SHAPE_FPR(2));
        assert_int_equal(d.slot[SLOT_DECRYPT].created, 0x5e000002);
        assert_true(d.slot[SLOT_DECRYPT].present);
        assert_false(d.slot[SLOT_AUTHENTICATE].present);
    }
}

static void smartpgp_without_keys_is_understood(void **state)
{
    struct application_data d = parsed(shape_smartpgp);

    (void)state;
    assert_int_equal(d.version, 0x0304);
    assert_int_equal(d.manufacturer, 0xafaf);
    assert_true(d.card.chaining);
    assert_true(d.card.extended_length);
    assert_true(d.extended.kdf);
    assert_true(d.extended.aes);
    assert_int_equal(d.extended.challenge_max, 0x0020);
    assert_int_equal(d.extended.certificate_max, 0x0480);
    assert_false(d.pw.pw1_for_many_signatures);
    assert_int_equal(d.pw.pw1_tries, 3);
    assert_int_equal(d.pw.reset_code_tries, 0);
    assert_int_equal(d.pw.pw3_tries, 3);
    for (int i = 0; i < SLOTS; i++) {
        assert_false(d.slot[i].present);
        assert_int_equal(d.slot[i].algorithm.kind, KEY_RSA);
        assert_int_equal(d.slot[i].touch, TOUCH_OFF);
    }
}

static void canokey_is_understood(void **state)
{
    struct application_data d = parsed(shape_canokey);

    (void)state;
    assert_int_equal(d.manufacturer, 0xf1d0);
    assert_false(d.card.chaining);
    assert_true(d.card.extended_length);
    assert_int_equal(d.command_max, 0x053c);
    assert_int_equal(d.response_max, 0x053c);
    assert_true(d.button);
    assert_false(d.extended.kdf);
    assert_int_equal(d.pw.pw1_max, 64);
    assert_int_equal(d.slot[SLOT_SIGN].algorithm.kind, KEY_EDDSA);
    assert_int_equal(d.slot[SLOT_DECRYPT].algorithm.kind, KEY_ECDH);
    assert_string_equal(d.slot[SLOT_DECRYPT].algorithm.curve->gpg, "cv25519");
    assert_int_equal(d.slot[SLOT_SIGN].touch, TOUCH_OFF);
    assert_int_equal(d.slot[SLOT_DECRYPT].touch, TOUCH_ON);
}

static void gnuk_is_understood(void **state)
{
    struct application_data d = parsed(shape_gnuk);

    (void)state;
    assert_int_equal(d.version, 0x0200);
    assert_int_equal(d.manufacturer, 0xfffe);
    assert_int_equal(d.serial, 0xf1420a7a);
    assert_true(d.card.chaining);
    assert_false(d.card.extended_length);
    assert_true(d.extended.kdf);
    assert_true(d.button);
    assert_int_equal(d.command_max, 0);
    assert_true(d.slot[SLOT_DECRYPT].present);
}

static void yubikey5_lists_of_four_are_understood(void **state)
{
    struct application_data d = parsed(shape_yubikey5);

    (void)state;
    assert_int_equal(d.serial, 0x20680955);
    assert_true(d.card.chaining);
    assert_true(d.card.extended_length);
    assert_int_equal(d.command_max, 0xbfe);
    assert_true(d.extended.kdf);
    assert_true(d.pw.pw1_for_many_signatures);
    assert_fingerprint(&d.slot[SLOT_DECRYPT], SHAPE_FPR(2));
    assert_fingerprint(&d.slot[SLOT_AUTHENTICATE], SHAPE_FPR(3));
    assert_int_equal(d.slot[SLOT_AUTHENTICATE].created, 0x5e000003);
    assert_int_equal(d.slot[SLOT_DECRYPT].touch, TOUCH_CACHED);
    assert_true(d.slot[SLOT_AUTHENTICATE].present);
}

/* Whatever is cut off, what is left is either refused, with the output as it was, or whole. All
 * shapes end inside of an outer object, but for the flat one: that may lose its last objects. */
static void cut_data_is_refused(void **state)
{
    struct application_data before, after;

    (void)state;
    memset(&before, 0xa5, sizeof before);
    for (size_t i = 0; i < SHAPES; i++) {
        struct view whole = hex(shapes[i]);

        for (size_t len = 0; len < whole.len; len++) {
            uint8_t *copy = exact_copy(view_of(whole.data, len));
            gpg_error_t err;

            memcpy(&after, &before, sizeof after);
            err = application_data_parse(view_of(copy, len), &after);
            if (shapes[i] != shape_neo_flat)
                assert_err(err, GPG_ERR_CARD);
            if (err)
                assert_memory_equal(&after, &before, sizeof after);
            free(copy);
        }
    }
}

static void no_octet_matters_so_much_that_it_crashes(void **state)
{
    static const uint8_t values[] = { 0x00, 0x01, 0x7f, 0x80, 0x82, 0x84, 0xff };
    struct application_data before, after;

    (void)state;
    memset(&before, 0xa5, sizeof before);
    for (size_t i = 0; i < SHAPES; i++) {
        uint8_t *copy = exact_copy(hex(shapes[i]));
        size_t len = hex(shapes[i]).len;

        for (size_t at = 0; at < len * sizeof values; at++) {
            uint8_t kept = copy[at % len];

            copy[at % len] = values[at / len];
            memcpy(&after, &before, sizeof after);
            if (application_data_parse(view_of(copy, len), &after))
                assert_memory_equal(&after, &before, sizeof after);
            copy[at % len] = kept;
        }
        free(copy);
    }
}

static void card_must_say_who_it_is_and_how_many_tries_it_has(void **state)
{
    const char *aid = "4F10 D2760001240103040006206809550000";
    const char *status = "C407 017F7F7F030003";
    struct application_data d;
    char both[128];

    (void)state;
    assert_err(application_data_parse(hex(""), &d), GPG_ERR_CARD);
    assert_err(application_data_parse(hex(aid), &d), GPG_ERR_CARD);
    assert_err(application_data_parse(hex(status), &d), GPG_ERR_CARD);
    snprintf(both, sizeof both, "%s%s", status, aid);
    assert_ok(application_data_parse(hex(both), &d));
    assert_int_equal(d.slot[SLOT_DECRYPT].algorithm.kind, KEY_NONE);
    snprintf(both, sizeof both, "%s%s", "4F0F D27600012401030400062068095500", status);
    assert_err(application_data_parse(hex(both), &d), GPG_ERR_CARD);
    snprintf(both, sizeof both, "%s%s", "4F11 D276000124010304000620680955000000", status);
    assert_err(application_data_parse(hex(both), &d), GPG_ERR_CARD);
    snprintf(both, sizeof both, "%s%s", "4F10 A0000003080000100001000000000000", status);
    assert_err(application_data_parse(hex(both), &d), GPG_ERR_CARD);
    snprintf(both, sizeof both, "%s%s", aid, "C406 017F7F7F0300");
    assert_err(application_data_parse(hex(both), &d), GPG_ERR_CARD);
}

#define WHO "4F10 D2760001240103040006206809550000 C407 017F7F7F030003"

static void slot_says_what_it_can(void **state)
{
    (void)state;
    /* a key without a fingerprint, told by DE alone */
    assert_true(parsed(WHO "DE06 010002020300").slot[SLOT_DECRYPT].present);
    assert_false(parsed(WHO "DE06 010002000300").slot[SLOT_DECRYPT].present);
    assert_false(parsed(WHO "DE05 0100030202").slot[SLOT_DECRYPT].present);
    assert_true(parsed(WHO "DE04 03010202").slot[SLOT_DECRYPT].present);
    /* lists that end early say nothing of the later slots */
    assert_false(parsed(WHO "C514" SHAPE_FPR(1)).slot[SLOT_DECRYPT].present);
    assert_true(parsed(WHO "C514" SHAPE_FPR(1)).slot[SLOT_SIGN].present);
    assert_int_equal(parsed(WHO "CD07 5E000001 5E0000").slot[SLOT_DECRYPT].created, 0);
    /* one unknown slot does not spoil the others */
    assert_int_equal(parsed(WHO "C103130608 C20B" SHAPE_CV25519).slot[SLOT_SIGN].algorithm.kind,
                     KEY_UNKNOWN);
    assert_int_equal(parsed(WHO "C103130608 C20B" SHAPE_CV25519).slot[SLOT_DECRYPT].algorithm.kind,
                     KEY_ECDH);
}

static void touch_policies_are_told_apart(void **state)
{
    (void)state;
    assert_int_equal(parsed(WHO "D7020020").slot[SLOT_DECRYPT].touch, TOUCH_OFF);
    assert_int_equal(parsed(WHO "D7020120").slot[SLOT_DECRYPT].touch, TOUCH_ON);
    assert_int_equal(parsed(WHO "D7020220").slot[SLOT_DECRYPT].touch, TOUCH_FIXED);
    assert_int_equal(parsed(WHO "D7020320").slot[SLOT_DECRYPT].touch, TOUCH_CACHED);
    assert_int_equal(parsed(WHO "D7020420").slot[SLOT_DECRYPT].touch, TOUCH_CACHED_FIXED);
    assert_int_equal(parsed(WHO "D7020520").slot[SLOT_DECRYPT].touch, TOUCH_ON);
    assert_int_equal(parsed(WHO "D700").slot[SLOT_DECRYPT].touch, TOUCH_OFF);
}

static void check_maxima(const char *digits, unsigned command, unsigned response)
{
    struct application_data d = parsed(digits);

    assert_int_equal(d.command_max, command);
    assert_int_equal(d.response_max, response);
}

/* An INTEGER with its top bit set has a zero octet more (ISO 8825-1 §8.3). */
static void longest_commands_are_numbers_of_any_length(void **state)
{
    (void)state;
    check_maxima(WHO "7F6608 0202053C 02020400", 0x53c, 0x400);
    check_maxima(WHO "7F660A 020300FFFF 0203010000", 65535, 65535);
    check_maxima(WHO "7F6609 020300FFFF 02020400", 65535, 1024);
    check_maxima(WHO "7F6606 0201FE 0201FE", 254, 254);
    check_maxima(WHO "7F6608 0402053C 02020400", 0, 0);
    check_maxima(WHO "7F6604 0202053C", 0, 0);
    check_maxima(WHO "7F6604 0200 0200", 0, 0);
    check_maxima(WHO "7F6600", 0, 0);
}

static void password_status_is_read(void **state)
{
    struct pw_status pw;

    (void)state;
    assert_ok(pw_status_parse(hex("00 FF 7F C0 01 02 03"), &pw));
    assert_true(pw.pin_block_2);
    assert_int_equal(pw.pw1_max, 127);
    assert_int_equal(pw.pw3_max, 64);
    assert_int_equal(pw.pw1_tries, 1);
    assert_int_equal(pw.reset_code_tries, 2);
    assert_int_equal(pw.pw3_tries, 3);
    assert_ok(pw_status_parse(hex("01 20 20 20 03 00 03 99"), &pw));
    assert_false(pw.pin_block_2);
    assert_int_equal(pw.pw1_max, 32);
    assert_err(pw_status_parse(hex("012020200300"), &pw), GPG_ERR_CARD);
    assert_int_equal(pw.pw1_tries, 3);
}

static void manufacturers_have_names(void **state)
{
    (void)state;
    assert_string_equal(manufacturer_name(0x0006), "Yubico");
    assert_string_equal(manufacturer_name(0x000f), "Nitrokey");
    assert_string_equal(manufacturer_name(0xf517), "FSIJ");
    assert_string_equal(manufacturer_name(0xfffe), "unmanaged S/N range");
    assert_string_equal(manufacturer_name(0xff00), "unmanaged S/N range");
    assert_string_equal(manufacturer_name(0x0000), "test card");
    assert_string_equal(manufacturer_name(0xffff), "test card");
    assert_null(manufacturer_name(0x000c));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(neo_is_understood_in_both_nestings),
        cmocka_unit_test(smartpgp_without_keys_is_understood),
        cmocka_unit_test(canokey_is_understood),
        cmocka_unit_test(gnuk_is_understood),
        cmocka_unit_test(yubikey5_lists_of_four_are_understood),
        cmocka_unit_test(cut_data_is_refused),
        cmocka_unit_test(no_octet_matters_so_much_that_it_crashes),
        cmocka_unit_test(card_must_say_who_it_is_and_how_many_tries_it_has),
        cmocka_unit_test(slot_says_what_it_can),
        cmocka_unit_test(touch_policies_are_told_apart),
        cmocka_unit_test(longest_commands_are_numbers_of_any_length),
        cmocka_unit_test(password_status_is_read),
        cmocka_unit_test(manufacturers_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
