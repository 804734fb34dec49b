/* What a client sends behind INQUIRE CIPHERTEXT: the first octet chooses the dialect and the curve
 * of the key, the rest is the S-expression. */
#include "agent/ciphertext.h"
#include "tests/fuzz/fuzz.h"

static const struct view oids[] = {
    { (const uint8_t *)"\x2a\x86\x48\xce\x3d\x03\x01\x07", 8 },
    { (const uint8_t *)"\x2b\x81\x04\x00\x23", 5 },
    { (const uint8_t *)"\x2b\x65\x6e", 3 },
    { (const uint8_t *)"\x2b\x65\x6f", 3 },
};

static void check_kem(const struct ciphertext *c)
{
    static const uint8_t zeros[32];
    struct secret z = { 0 };
    struct secret plain = { 0 };

    FUZZ_CHECK(c->key.kdf_params.data == c->kdf_params && c->key.kdf_params.len > 0 &&
               c->key.kdf_params.len <= KDF_PARAMS_MAX);
    FUZZ_CHECK(c->key.wrapped.data == c->wrapped && c->key.wrapped.len >= WRAPPED_KEY_MIN &&
               c->key.wrapped.len <= WRAPPED_KEY_MAX && c->key.wrapped.len % 8 == 0);
    FUZZ_CHECK(c->key.cipher >= 0 && c->key.cipher <= 999 && c->key.hash >= 0 &&
               c->key.hash <= 999);
    FUZZ_CHECK(!secret_copy(&z, view_of(zeros, sizeof zeros)));
    /* nobody guesses a check block */
    FUZZ_CHECK(ecdh_unwrap_openpgp(&z, &c->key, &plain) && !plain.data);
    FUZZ_CHECK(ecdh_unwrap_cms(&z, &c->key, &plain) && !plain.data);
    secret_free(&z);
}

static void check_point(const struct ciphertext *c, const struct curve *curve)
{
    uint8_t point[POINT_OCTETS_MAX];
    size_t len = 0xa5;

    fuzz_mark(point, sizeof point);
    if (ciphertext_point(c, curve, point, &len))
        FUZZ_CHECK(len == 0xa5 && fuzz_marked(point, sizeof point));
    else
        FUZZ_CHECK(len == curve_point_octets(curve));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ciphertext c;
    enum kem kem;

    if (size == 0 || secret_init_library())
        return 0;
    kem = (enum kem)(data[0] % 3);
    fuzz_mark(&c, sizeof c);
    if (ciphertext_parse(view_of(data + 1, size - 1), kem, &c)) {
        FUZZ_CHECK(fuzz_marked(&c, sizeof c));
        return 0;
    }
    FUZZ_CHECK(c.len > 0 && c.len <= sizeof c.data);
    if (c.kind == CIPHERTEXT_RSA) {
        FUZZ_CHECK(kem == KEM_NONE && c.data[0] != 0);
        return 0;
    }
    FUZZ_CHECK(c.kind == CIPHERTEXT_ECDH && c.len <= POINT_OCTETS_MAX);
    if (kem != KEM_NONE)
        check_kem(&c);
    for (size_t i = 0; i < sizeof oids / sizeof *oids; i++)
        check_point(&c, curve_by_oid(oids[i]));
    return 0;
}
