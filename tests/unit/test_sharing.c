/* PC/SC first. */
#include "agent/sharing.h"
#include "tests/unit/hex.h"

static void specs(void **state)
{
    (void)state;
    assert_true(sharing_is_pcsc("pcsc") && sharing_is_pcsc("pcsc:Yubico"));
    assert_false(sharing_is_pcsc("pcscd") || sharing_is_pcsc("usb") ||
                 sharing_is_pcsc("socket:/p"));
    assert_true(sharing_is_usb("usb") && sharing_is_usb("usb:1050:0407"));
    assert_true(sharing_is_usb("usb:spare") && sharing_is_spare("usb:spare"));
    assert_false(sharing_is_usb("usbip") || sharing_is_spare("usb"));
}

static void wishes(const struct sharing *s, const char *spec, enum readers_share how, bool later)
{
    int64_t after_ms;

    assert_int_equal(sharing_wish(s, spec, &after_ms), how);
    assert_int_equal(after_ms > 0, later);
}

static void without_pcsc(void **state)
{
    struct sharing s = { .pcsc = false };

    (void)state;
    wishes(&s, "usb", READERS_ALONE, false);
    wishes(&s, "usb:spare", READERS_ALONE, false);
}

static void told_to(void **state)
{
    struct sharing s = { .pcsc = true };

    (void)state;
    wishes(&s, "usb", READERS_BESIDE, false);
    sharing_note_service(&s, 0);
    wishes(&s, "usb:1050:0407", READERS_BESIDE, false);
    sharing_note_service(&s, gpg_error(GPG_ERR_NO_SERVICE));
    wishes(&s, "usb", READERS_ALONE, false); /* nobody else shows what a third one holds */
}

/* Nothing is taken before it is known that there is no service, nor as soon as one goes away: it
 * may be on its way back. One that refuses us is one. */
static void spare(void **state)
{
    struct sharing s = { .pcsc = true };

    (void)state;
    wishes(&s, "usb:spare", READERS_YIELD, false);
    sharing_note_service(&s, gpg_error(GPG_ERR_EAGAIN));
    wishes(&s, "usb:spare", READERS_YIELD, false);
    sharing_note_service(&s, gpg_error(GPG_ERR_NO_SERVICE));
    wishes(&s, "usb:spare", READERS_ALONE, false);
    sharing_note_service(&s, 0);
    wishes(&s, "usb:spare", READERS_YIELD, false);
    sharing_note_service(&s, gpg_error(GPG_ERR_NO_SERVICE));
    wishes(&s, "usb:spare", READERS_ALONE, true);
    sharing_note_service(&s, gpg_error(GPG_ERR_EACCES));
    wishes(&s, "usb:spare", READERS_YIELD, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(specs),
        cmocka_unit_test(without_pcsc),
        cmocka_unit_test(told_to),
        cmocka_unit_test(spare),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
