/* Signatures on curves: Ed25519 against RFC 8032, ECDSA checked with the public key. */
#include "tests/token/exchange.h"

#include <gcrypt.h>

#define DIGEST_32 "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F"
#define DIGEST_64 DIGEST_32 "202122232425262728292A2B2C2D2E2F303132333435363738393A3B3C3D3E3F"

/* RFC 8032 §7.1, test 2 */
#define ED25519_SECRET "4CCD089B28FF96DA9DB6C346EC114E0F5B8A319F35ABA624DA8CF6ED4FB8A6FB"
#define ED25519_SIGNATURE                                                                          \
    "92A009A9F0D4CAB8720E820B5F642540A2B27B5416503F8FB3762223EBDB69DA"                             \
    "085AC1E43E15996E458F3613D0F11D8C387B2EAEB4302AEEB00D291612BB0C00"

static void ed25519_agrees_with_rfc_8032(void **state)
{
    struct token *t = exchange_new();

    (void)state;
    expect(t, VERIFY_ADMIN, "9000");
    expect(t, "00 DA 00C1 0A 16 2B06010401DA470F01", "9000");
    expect(t, "00 DA 00C3 0A 16 2B06010401DA470F01", "9000");
    expect(t, "00 DB 3FFF 2C 4D2A B600 7F48 02 9220 5F48 20" ED25519_SECRET, "9000");
    expect(t, "00 DB 3FFF 2C 4D2A A400 7F48 02 9220 5F48 20" ED25519_SECRET, "9000");
    expect(t, VERIFY_SIGN, "9000");
    expect(t, "00 2A 9E9A 01 72 00", ED25519_SIGNATURE "9000");
    expect(t, VERIFY_OTHER, "9000");
    expect(t, "00 88 0000 01 72 00", ED25519_SIGNATURE "9000");
    token_free(&t);
}

struct curve_case {
    const char *attributes; /* PUT DATA C1 */
    const char *name;       /* as libgcrypt calls it */
    size_t field;
};

static const struct curve_case curve_cases[] = {
    { "00 DA 00C1 09 13 2A8648CE3D030107", "NIST P-256", 32 },
    { "00 DA 00C1 06 13 2B81040022", "NIST P-384", 48 },
    { "00 DA 00C1 06 13 2B81040023", "NIST P-521", 66 },
    { "00 DA 00C1 0A 13 2B2403030208010107", "brainpoolP256r1", 32 },
    { "00 DA 00C1 0A 13 2B240303020801010B", "brainpoolP384r1", 48 },
    { "00 DA 00C1 0A 13 2B240303020801010D", "brainpoolP512r1", 64 },
    { "00 DA 00C1 06 13 2B8104000A", "secp256k1", 32 },
};

/* The point is the end of 7F49, after its own length octet. */
static gcry_sexp_t public_key(const struct curve_case *c, const struct buffer *answer)
{
    size_t len = 1 + 2 * c->field;
    gcry_sexp_t key;

    assert_true(answer->len > len + 2);
    assert_int_equal(gcry_sexp_build(&key, NULL, "(public-key (ecc (curve %s)(q %b)))", c->name,
                                     (int)len, answer->data + answer->len - 2 - len),
                     0);
    return key;
}

static void check_signature(const struct curve_case *c, gcry_sexp_t key,
                            const struct buffer *answer, const char *digest, size_t digest_len)
{
    struct buffer octets = BUFFER(64);
    gcry_sexp_t signature, data;
    gcry_mpi_t number;

    exchange_append_hex(&octets, digest);
    assert_int_equal(answer->len, 2 * c->field + 2);
    assert_int_equal(gcry_sexp_build(&signature, NULL, "(sig-val (ecdsa (r %b)(s %b)))",
                                     (int)c->field, answer->data, (int)c->field,
                                     answer->data + c->field),
                     0);
    /* A digest longer than the field is cut on the right (FIPS 186-4 §6.4). */
    if (digest_len > c->field)
        digest_len = c->field;
    assert_int_equal(gcry_mpi_scan(&number, GCRYMPI_FMT_USG, octets.data, digest_len, NULL), 0);
    assert_int_equal(gcry_sexp_build(&data, NULL, "(data (flags raw)(value %m))", number), 0);
    assert_int_equal(gcry_pk_verify(signature, data, key), 0);
    gcry_sexp_release(signature);
    gcry_sexp_release(data);
    gcry_mpi_release(number);
    buffer_free(&octets);
}

static void check_curve(const struct curve_case *c)
{
    struct buffer answer = BUFFER(512);
    struct token *t = exchange_new();
    gcry_sexp_t key;

    expect(t, VERIFY_ADMIN, "9000");
    expect(t, c->attributes, "9000");
    expect(t, "00 DA 00C4 01 01", "9000");
    exchange_send(t, "00 47 8000 02 B600 00", &answer);
    key = public_key(c, &answer);
    expect(t, VERIFY_SIGN, "9000");
    exchange_send(t, "00 2A 9E9A 20" DIGEST_32 "00", &answer);
    check_signature(c, key, &answer, DIGEST_32, 32);
    exchange_send(t, "00 2A 9E9A 40" DIGEST_64 "00", &answer);
    check_signature(c, key, &answer, DIGEST_64, 64);
    expect(t, "00 2A 9E9A 00", "6700");
    gcry_sexp_release(key);
    buffer_free(&answer);
    token_free(&t);
}

static void ecdsa_signatures_are_good_on_every_curve(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof curve_cases / sizeof curve_cases[0]; i++)
        check_curve(&curve_cases[i]);
}

/* MSE SET can put a key that only agrees on secrets where signatures are made. */
static void montgomery_key_signs_nothing(void **state)
{
    struct token *t = exchange_new();

    (void)state;
    expect(t, VERIFY_ADMIN, "9000");
    expect(t, "00 DA 00C2 0B 12 2B060104019755010501", "9000");
    expect(t, "00 DB 3FFF 2C 4D2A B800 7F48 02 9220 5F48 20" ED25519_SECRET, "9000");
    expect(t, VERIFY_OTHER, "9000");
    expect(t, "00 22 41A4 03 830102", "9000");
    expect(t, "00 88 0000 20" DIGEST_32 "00", "6985");
    token_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ed25519_agrees_with_rfc_8032),
        cmocka_unit_test(ecdsa_signatures_are_good_on_every_curve),
        cmocka_unit_test(montgomery_key_signs_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
