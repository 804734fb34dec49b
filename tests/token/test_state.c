/* What the card keeps, as text. */
#include "tests/token/exchange.h"

#include <string.h>

static struct token *new_with_everything(void)
{
    struct token *t = exchange_new();

    expect(t, VERIFY_ADMIN, "9000");
    expect(t, VERIFY_OTHER, "9000");
    expect(t, "00 24 0081 0C 313233343536 363534333231", "9000");
    expect(t, "00 DA 005B 05 416C696365", "9000");
    expect(t, "00 DA 0101 02 CAFE", "9000");
    expect(t, "00 DA 00D3 08 3939393939393939", "9000");
    expect(t, "00 DA 00D7 02 0120", "9000");
    expect(t, "00 DA 00C4 01 01", "9000");
    expect(t, "00 A5 0204 06 60045C027F21", "9000");
    expect(t, "00 DA 7F21 02 C3C3", "9000");
    expect(t, "00 DA 00C2 0B 12 2B060104019755010501", "9000");
    expect(t,
           "00 DB 3FFF 2C 4D2A B800 7F48 02 9220 5F48 20"
           "2A2CB91DA5FB77B12A99C0EB872F4CDF4566B25172C1163C7DA518730A6D0777",
           "9000");
    expect(t, "00 DA 00C1 0A 16 2B06010401DA470F01", "9000");
    expect(t,
           "00 DB 3FFF 2C 4D2A B600 7F48 02 9220 5F48 20"
           "4CCD089B28FF96DA9DB6C346EC114E0F5B8A319F35ABA624DA8CF6ED4FB8A6FB",
           "9000");
    expect(t, "00 DA 00C8 14 000102030405060708090A0B0C0D0E0F10111213", "9000");
    expect(t, "00 20 0082 06 303030303030", "6982");
    return t;
}

static void another_card_becomes_the_same(void **state)
{
    struct buffer first = BUFFER(TOKEN_STATE_MAX), second = BUFFER(TOKEN_STATE_MAX);
    struct token *a = new_with_everything(), *b = exchange_new();

    (void)state;
    assert_int_equal(token_save(a, &first), 0);
    assert_int_equal(token_load(b, buffer_view(&first)), 0);
    assert_int_equal(token_save(b, &second), 0);
    assert_true(view_equal(buffer_view(&first), buffer_view(&second)));
    expect(b, "00 CA 004F 00", "6986"); /* no application, no PIN: it had no power */
    expect(b, SELECT_OPENPGP, "9000");
    expect(b, "00 CA 00C4 00", "017F7F7F020303 9000");
    expect(b, "00 CA 0065 00", "5B 05 416C696365 5F2D00 5F350139 9000");
    expect(b, "00 CA 00D7 00", "0120 9000");
    expect(b, "00 CA 00DE 00", "010202020300 9000");
    expect(b, "00 CA 0101 00", "CAFE 9000");
    expect(b, "00 A5 0204 06 60045C027F21", "9000");
    expect(b, "00 CA 7F21 00", "C3C3 9000");
    expect(b, "00 20 0082 06 363534333231", "9000");
    expect(b,
           "00 2A 8086 27 A6 25 7F49 22 86 20"
           "DE9EDB7D7B7DC1B4D35B61C2ECE435373F8343C85B78674DADFC7E146F882B4F 00",
           "4A5D9D5BA4CE2DE1728E3BF480350F25E07E21C947D19E3376F09B3C1E161742 9000");
    buffer_free(&first);
    buffer_free(&second);
    token_free(&a);
    token_free(&b);
}

static void termination_is_kept(void **state)
{
    struct buffer saved = BUFFER(TOKEN_STATE_MAX);
    struct token *t = exchange_new(), *other = exchange_new();

    (void)state;
    expect(t, VERIFY_ADMIN, "9000");
    expect(t, "00 E6 0000", "9000");
    assert_int_equal(token_save(t, &saved), 0);
    assert_int_equal(token_load(other, buffer_view(&saved)), 0);
    expect(other, SELECT_OPENPGP, "6285");
    buffer_free(&saved);
    token_free(&t);
    token_free(&other);
}

/* A file that was cut anywhere is no state file, and the card stays what it was. */
static void cut_state_is_refused(void **state)
{
    struct buffer saved = BUFFER(TOKEN_STATE_MAX);
    struct token *full = new_with_everything(), *t = exchange_new();

    (void)state;
    assert_int_equal(token_save(full, &saved), 0);
    expect(t, VERIFY_OTHER, "9000");
    for (size_t len = 0; len < saved.len; len++)
        assert_int_equal(gpg_err_code(token_load(t, view_of(saved.data, len))), GPG_ERR_BAD_DATA);
    expect(t, "00 20 0082", "9000");
    expect(t, "00 CA 0101 00", "9000");
    buffer_free(&saved);
    token_free(&full);
    token_free(&t);
}

/* Replaces the first `from` in the text of a card with everything by `to` of any length. */
static gpg_error_t load_changed(const char *from, const char *to)
{
    struct buffer saved = BUFFER(TOKEN_STATE_MAX), changed = BUFFER(TOKEN_STATE_MAX);
    struct token *t = new_with_everything();
    gpg_error_t err;
    size_t at;
    char *found;

    assert_int_equal(token_save(t, &saved), 0);
    assert_int_equal(buffer_append_u8(&saved, 0), 0);
    found = strstr((char *)saved.data, from);
    assert_non_null(found);
    at = (size_t)(found - (char *)saved.data);
    assert_int_equal(buffer_append(&changed, saved.data, at), 0);
    assert_int_equal(buffer_append(&changed, to, strlen(to)), 0);
    assert_int_equal(
        buffer_append(&changed, saved.data + at + strlen(from), saved.len - 1 - at - strlen(from)),
        0);
    err = token_load(t, buffer_view(&changed));
    buffer_free(&saved);
    buffer_free(&changed);
    token_free(&t);
    return err;
}

static void damaged_lines_are_refused(void **state)
{
    static const char *const changes[][2] = {
        { "cardea-token 1", "cardea-token 2" },
        { "terminated 00", "terminated 02" },
        { "terminated 00", "terminated 0" },
        { "terminated 00", "terminated 0000" },
        { "terminated 00", "terminated" },
        { "terminated 00", "terminated zz" },
        { "terminated 00", "exterminated 00" },
        { "terminated 00", "" },
        { "pw1-for-several 01", "pw1-for-several 02" },
        { "pw1-tries 02", "pw1-tries 04" },
        { "pw1 363534333231\n", "" },
        { "rc 3939393939393939\n", "" },
        { "name 416C696365", "name " },
        { "signatures 00", "signatures 01" },
        { "decrypt-origin 02", "decrypt-origin 03" },
        { "decrypt-attributes 12", "decrypt-attributes 13" },
        { "decrypt-attributes 122B06", "decrypt-attributes 122B07" },
        { "decrypt-uif 0120", "decrypt-uif 0320" },
        { "decrypt-d 77", "decrypt-d 7777" },
        { "decrypt-d 77", "decrypt-d " },
        { "sign-origin 02", "sign-origin 00" },
        { "end\n", "end\nend\n" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++)
        if (gpg_err_code(load_changed(changes[i][0], changes[i][1])) != GPG_ERR_BAD_DATA)
            fail_msg("accepted: %s", changes[i][1]);
    assert_int_equal(load_changed("end\n", "end\n"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_card_becomes_the_same),
        cmocka_unit_test(termination_is_kept),
        cmocka_unit_test(cut_state_is_refused),
        cmocka_unit_test(damaged_lines_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
