#include "apdu/algorithm.h"
#include "tests/unit/hex.h"

static struct key_algorithm parsed(const char *digits)
{
    return algorithm_parse(hex(digits));
}

/* OpenPGP card specification §4.4.3.9: 01, modulus bits, exponent bits, import format. */
static void rsa_attributes(void **state)
{
    const struct {
        const char *attributes;
        unsigned bits; /* 0: unknown */
    } rows[] = {
        { "010800002000", 2048 },
        { "010800001103", 2048 },
        { "010C00002002", 3072 },
        { "011000002002", 4096 },
        { "0108000020", 2048 },
        { "010400002000", 1024 },
        { "010200002000", 0 },
        { "011008002000", 0 },
        { "010801002000", 0 },
        { "01FFFF002000", 0 },
        { "010000002000", 0 },
        { "0108", 0 },
        { "01", 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct key_algorithm a = parsed(rows[i].attributes);

        assert_int_equal(a.kind, rows[i].bits ? KEY_RSA : KEY_UNKNOWN);
        assert_int_equal(a.rsa_bits, rows[i].bits);
    }
}

/* Each OID in every way in which cards write it: bare, with FF for "import with public key", with
 * 00, with whatever YubiKey 5.2 puts there. */
static void curve_attributes(void **state)
{
    const struct {
        const char *head, *oid, *gpg;
        enum key_kind kind;
        size_t point;
    } rows[] = {
        { "12", "2A8648CE3D030107", "nistp256", KEY_ECDH, 65 },
        { "12", "2B81040022", "nistp384", KEY_ECDH, 97 },
        { "12", "2B81040023", "nistp521", KEY_ECDH, 133 },
        { "12", "2B2403030208010107", "brainpoolP256r1", KEY_ECDH, 65 },
        { "12", "2B240303020801010B", "brainpoolP384r1", KEY_ECDH, 97 },
        { "12", "2B240303020801010D", "brainpoolP512r1", KEY_ECDH, 129 },
        { "12", "2B8104000A", "secp256k1", KEY_ECDH, 65 },
        { "12", "2B060104019755010501", "cv25519", KEY_ECDH, 32 },
        { "12", "2B656E", "cv25519", KEY_ECDH, 32 },
        { "12", "2B656F", "cv448", KEY_ECDH, 56 },
        { "13", "2A8648CE3D030107", "nistp256", KEY_ECDSA, 65 },
        { "16", "2B06010401DA470F01", "ed25519", KEY_EDDSA, 32 },
        { "16", "2B6570", "ed25519", KEY_EDDSA, 32 },
        { "16", "2B6571", "ed448", KEY_EDDSA, 57 },
    };
    static const char *const tails[] = { "", "FF", "00", "3B" };

    (void)state;
    for (size_t i = 0; i < 4 * sizeof rows / sizeof *rows; i++) {
        char attributes[64], name[ALGORITHM_NAME_MAX];
        struct key_algorithm a;

        snprintf(attributes, sizeof attributes, "%s%s%s", rows[i / 4].head, rows[i / 4].oid,
                 tails[i % 4]);
        a = parsed(attributes);
        assert_int_equal(a.kind, rows[i / 4].kind);
        assert_non_null(a.curve);
        assert_string_equal(a.curve->gpg, rows[i / 4].gpg);
        assert_int_equal(curve_point_octets(a.curve), rows[i / 4].point);
        assert_string_equal(algorithm_name(&a, name), rows[i / 4].gpg);
    }
}

static void what_is_not_known_is_unknown(void **state)
{
    static const char *const rows[] = {
        "1306082A811CCF5501822D", /* CanoKey's SM2 */
        "132A811CCF5501822D",     /* SM2 */
        "12",                     /* no OID */
        "1200",
        "12FF",                   /* nothing but a tail */
        "122A8648CE3D0301",       /* cut */
        "122A8648CE3D030107FFFF", /* two octets too many */
        "12082A8648CE3D030107",   /* with its length */
        "122B06010401DA470F01",   /* ECDH on a curve that signs only */
        "162A8648CE3D030107",     /* EdDSA on a curve that has none, as old YubiKeys list it */
        "162B060104019755010501",
        "162B656F",
        "132B06010401DA470F01",
        "132B060104019755010501", /* ECDSA on a Montgomery curve */
        "112A8648CE3D030107",
        "00",
        "FF",
    };
    char name[ALGORITHM_NAME_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct key_algorithm a = parsed(rows[i]);

        assert_int_equal(a.kind, KEY_UNKNOWN);
        assert_null(a.curve);
        assert_string_equal(algorithm_name(&a, name), "unknown");
    }
    assert_int_equal(parsed("").kind, KEY_NONE);
}

static void names_are_gpgs(void **state)
{
    struct key_algorithm a = parsed("011000002002");
    char name[ALGORITHM_NAME_MAX];

    (void)state;
    assert_string_equal(algorithm_name(&a, name), "rsa4096");
    assert_null(curve_by_oid(view_of(NULL, 0)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rsa_attributes),
        cmocka_unit_test(curve_attributes),
        cmocka_unit_test(what_is_not_known_is_unknown),
        cmocka_unit_test(names_are_gpgs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
