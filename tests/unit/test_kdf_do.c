#include "apdu/kdf_do.h"
#include "tests/unit/hex.h"

#include <gcrypt.h>

#define HEAD       "810103 820108 8304000186A0"
#define SALT_PW1   "84083031323334353637"
#define SALT_RC    "85083631323334353637"
#define SALT_PW3   "86084142434445464748"
#define HASH_PW1   "8720773784A602B6C81E3F092F4D7D00E17CC822D88F7360FCF2D2EF2D9D901F44B6"
#define HASH_PW3   "88202675D6164A0D4827D1D00C7EEA620D015C00030A1CAB38B4D0DD600B27DC9630"
#define DIGEST_PW1 "773784A602B6C81E3F092F4D7D00E17CC822D88F7360FCF2D2EF2D9D901F44B6"
#define DIGEST_PW3 "2675D6164A0D4827D1D00C7EEA620D015C00030A1CAB38B4D0DD600B27DC9630"

static int init(void **state)
{
    (void)state;
    return secret_init_library() ? -1 : 0;
}

static struct kdf_do parsed(const char *digits)
{
    struct kdf_do kdf;

    assert_ok(kdf_do_parse(hex(digits), &kdf));
    return kdf;
}

static void assert_sent(const struct kdf_do *kdf, enum password which, const char *pin,
                        const char *digits)
{
    struct secret entered = { 0 };
    struct secret sent = { 0 };

    assert_ok(secret_copy(&entered, view_of(pin, strlen(pin))));
    assert_ok(kdf_do_apply(kdf, which, &entered, &sent));
    assert_octets(secret_view(&sent), digits);
    secret_free(&entered);
    secret_free(&sent);
}

/* The example of OpenPGP card specification §4.3.2. */
static void specification_example(void **state)
{
    struct kdf_do kdf = parsed("F96E" HEAD SALT_PW1 SALT_RC SALT_PW3 HASH_PW1 HASH_PW3);

    (void)state;
    assert_true(kdf.active);
    assert_int_equal(kdf.hash, GCRY_MD_SHA256);
    assert_int_equal(kdf.count, 100000);
    assert_sent(&kdf, PASSWORD_PW1, "123456", DIGEST_PW1);
    assert_sent(&kdf, PASSWORD_PW1_SIGN, "123456", DIGEST_PW1);
    assert_sent(&kdf, PASSWORD_PW3, "12345678", DIGEST_PW3);
}

/* This digest and those below that are not the specification's were computed by Python's hashlib,
 * of salt and PIN repeated and cut to the count. */
static void sha512(void **state)
{
    struct kdf_do kdf = parsed("810103 82010A 8304000186A0" SALT_PW1);

    (void)state;
    assert_sent(&kdf, PASSWORD_PW1, "123456",
                "9CB102D4452E431F9338C837AC67D713794D3CA93B03D53F9E08216A83B61EC6"
                "C0FCAE8F416CB8AD7D180A46DAB0C48E7E6A5F2A533D62555FD66F99F0DCE34F");
}

/* GnuPG's "kdf-setup single" and Gnuk: 90 octets, one salt for all. */
static void one_salt_serves_all(void **state)
{
    struct kdf_do kdf = parsed(HEAD SALT_PW1 HASH_PW1 HASH_PW3);

    (void)state;
    assert_int_equal(hex(HEAD SALT_PW1 HASH_PW1 HASH_PW3).len, 90);
    assert_sent(&kdf, PASSWORD_PW1, "123456", DIGEST_PW1);
    /* hashlib.sha256 over b"01234567" b"12345678" as above */
    assert_sent(&kdf, PASSWORD_PW3, "12345678",
                "FB156E263DE1EB1EA0FECCF31C707DD328F7165D819B427A769B0CC6230505A5");
}

/* A count below the length of salt and PIN means one whole pass (RFC 9580 §3.7.1.3). */
static void count_of_a_few_octets_is_one_pass(void **state)
{
    static const char *const heads[] = {
        "810103 820108 830400000000" SALT_PW1,
        "810103 820108 830400000001" SALT_PW1,
        "810103 820108 83040000000D" SALT_PW1,
        "810103 820108 83040000000E" SALT_PW1,
    };

    (void)state;
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        struct kdf_do kdf = parsed(heads[i]);

        /* sha256("01234567123456") */
        assert_sent(&kdf, PASSWORD_PW1, "123456",
                    "E4B90D63237D4E6F88E6E894D473B8763673BA0B23D6E4760FB1FE0D719BDDBC");
    }
}

/* sha256("01234567123456" "0"): the last pass is cut, not left out. */
static void last_pass_is_cut(void **state)
{
    struct kdf_do kdf = parsed("810103 820108 83040000000F" SALT_PW1);

    (void)state;
    assert_sent(&kdf, PASSWORD_PW1, "123456",
                "B11950ECF288D5E32EC1A94BA9D7C8C9113FC28184C9DB3F02A0FBA47DAF7C4B");
}

static void inactive_sends_the_pin(void **state)
{
    static const char *const rows[] = { "", "F900", "810100", "F903810100" };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct kdf_do kdf = parsed(rows[i]);

        assert_false(kdf.active);
        assert_sent(&kdf, PASSWORD_PW1, "123456", "313233343536");
    }
}

/* "86 00": some writers keep the tag where they have nothing to say. */
static void salt_of_no_octets_is_absent(void **state)
{
    struct kdf_do kdf = parsed(HEAD SALT_PW1 "8500 8600");

    (void)state;
    assert_sent(&kdf, PASSWORD_PW1, "123456", DIGEST_PW1);
    assert_int_equal(kdf.pw3.len, 8);
}

static void salt_that_does_not_fit_is_not_absent(void **state)
{
    struct kdf_do kdf = { .count = 7 };

    (void)state;
    assert_err(kdf_do_parse(hex(HEAD SALT_PW1 "8611 A5{17}"), &kdf), GPG_ERR_UNSUPPORTED_PROTOCOL);
    assert_int_equal(kdf.count, 7);
    assert_ok(kdf_do_parse(hex(HEAD SALT_PW1 "8610 A5{16}"), &kdf));
    assert_int_equal(kdf.pw3.len, 16);
}

static void nothing_is_no_pin(void **state)
{
    struct kdf_do inactive = { 0 };
    struct kdf_do active = parsed(HEAD SALT_PW1);
    struct secret none = { 0 };
    struct secret sent = { 0 };

    (void)state;
    assert_err(kdf_do_apply(&active, PASSWORD_PW1, &none, &sent), GPG_ERR_BAD_PIN);
    assert_err(kdf_do_apply(&inactive, PASSWORD_PW1, &none, &sent), GPG_ERR_BAD_PIN);
    assert_null(sent.data);
}

static void what_cannot_be_computed_is_refused(void **state)
{
    static const char *const rows[] = {
        "810101 820108 8304000186A0" SALT_PW1, /* no such algorithm */
        "8102030082010883 04000186A0" SALT_PW1,
        "820108 8304000186A0" SALT_PW1,        /* no algorithm */
        "810103 8304000186A0" SALT_PW1,        /* no hash */
        "810103 820102 8304000186A0" SALT_PW1, /* SHA-1 */
        "810103 820108" SALT_PW1,              /* no count */
        "810103 820108 83030186A0" SALT_PW1,
        "810103 820108 8305 00000186A0" SALT_PW1,
        HEAD, /* no salt */
        HEAD "8400",
        HEAD "8411 0000000000000000000000000000000000",
        "810103 820108 830403E00001" SALT_PW1, /* more than RFC 9580 can express */
        "810103 820108 8304FFFFFFFF" SALT_PW1,
        "FFFFFF",
        "00",
        "F905810103",
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct kdf_do kdf = { .count = 7 };

        assert_err(kdf_do_parse(hex(rows[i]), &kdf), GPG_ERR_UNSUPPORTED_PROTOCOL);
        assert_int_equal(kdf.count, 7);
    }
}

static void largest_count_is_taken(void **state)
{
    struct kdf_do kdf = parsed("810103 820108 830403E00000" SALT_PW1);

    (void)state;
    assert_int_equal(kdf.count, 65011712);
    assert_sent(&kdf, PASSWORD_PW1, "123456",
                "5592C79442A432648712C918205AC088BB01B891244EA35AAA9EA92BE36BC798");
}

static void cut_object_sends_nothing_wrong(void **state)
{
    struct view whole = hex("F96E" HEAD SALT_PW1 SALT_RC SALT_PW3 HASH_PW1 HASH_PW3);

    (void)state;
    for (size_t len = 1; len < whole.len; len++) {
        uint8_t *copy = exact_copy(view_of(whole.data, len));
        struct kdf_do kdf;

        assert_err(kdf_do_parse(view_of(copy, len), &kdf), GPG_ERR_UNSUPPORTED_PROTOCOL);
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(specification_example),
        cmocka_unit_test(sha512),
        cmocka_unit_test(one_salt_serves_all),
        cmocka_unit_test(count_of_a_few_octets_is_one_pass),
        cmocka_unit_test(last_pass_is_cut),
        cmocka_unit_test(inactive_sends_the_pin),
        cmocka_unit_test(salt_of_no_octets_is_absent),
        cmocka_unit_test(salt_that_does_not_fit_is_not_absent),
        cmocka_unit_test(nothing_is_no_pin),
        cmocka_unit_test(what_cannot_be_computed_is_refused),
        cmocka_unit_test(largest_count_is_taken),
        cmocka_unit_test(cut_object_sends_nothing_wrong),
    };

    return cmocka_run_group_tests(tests, init, NULL);
}
