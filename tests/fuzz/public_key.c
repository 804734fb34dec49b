/* READ PUBLIC KEY: the first octet chooses the algorithm, the rest is the answer. */
#include "apdu/public_key.h"
#include "apdu/decipher.h"
#include "apdu/point.h"
#include "tests/fuzz/fuzz.h"

static const struct {
    size_t len;
    const char *attributes;
} algorithms[] = {
    { 3, "\x01\x04\x00" },
    { 3, "\x01\x08\x00" },
    { 3, "\x01\x10\x00" },
    { 9, "\x12\x2a\x86\x48\xce\x3d\x03\x01\x07" },
    { 6, "\x12\x2b\x81\x04\x00\x22" },
    { 6, "\x12\x2b\x81\x04\x00\x23" },
    { 10, "\x12\x2b\x24\x03\x03\x02\x08\x01\x01\x0d" },
    { 6, "\x12\x2b\x81\x04\x00\x0a" },
    { 11, "\x12\x2b\x06\x01\x04\x01\x97\x55\x01\x05\x01" },
    { 4, "\x12\x2b\x65\x6f" },
    { 9, "\x13\x2a\x86\x48\xce\x3d\x03\x01\x07" },
    { 4, "\x16\x2b\x65\x70" },
    { 4, "\x16\x2b\x65\x71" },
    { 1, "\x7f" },
    { 0, "" },
};

static void check_key(const struct public_key *key)
{
    uint8_t keygrip[KEYGRIP_LEN];
    gcry_sexp_t sexp;

    if (key->algorithm.kind == KEY_RSA) {
        FUZZ_CHECK(key->n.len * 8 == key->algorithm.rsa_bits);
        FUZZ_CHECK(key->n.bytes[0] >= 0x80);
        FUZZ_CHECK(key->e.len > 0 && key->e.len <= RSA_EXPONENT_MAX && key->e.bytes[0] != 0);
    } else {
        FUZZ_CHECK(key->q.len == curve_point_octets(key->algorithm.curve));
    }
    FUZZ_CHECK(!public_key_sexp(key, &sexp));
    FUZZ_CHECK(gcry_pk_get_keygrip(sexp, keygrip));
    FUZZ_CHECK(memcmp(keygrip, key->keygrip, KEYGRIP_LEN) == 0);
    gcry_sexp_release(sexp);
}

/* An x of the key has a point, another may have one; it lies on the curve. */
static void check_from_x(const struct curve *curve, struct view x, bool must)
{
    struct secret secret_x = { 0 };
    struct secret point = { 0 };
    gpg_error_t err;

    if (x.len < curve->field_octets)
        return;
    x.len = curve->field_octets;
    FUZZ_CHECK(!secret_copy(&secret_x, x));
    err = point_from_x(curve, &secret_x, &point);
    if (curve->montgomery || curve->edwards)
        FUZZ_CHECK(err);
    else if (must)
        FUZZ_CHECK(!err);
    if (err)
        FUZZ_CHECK(!point.data);
    else
        FUZZ_CHECK(!point_check(curve, secret_view(&point)) &&
                   secret_equal(view_of(point.data + 1, x.len), x));
    secret_free(&secret_x);
    secret_free(&point);
}

/* The answer as a ciphertext and as a plaintext of the same key. */
static void check_decipher(const struct public_key *key, struct view v)
{
    struct buffer data = BUFFER(1024);
    struct secret plain = { 0 };

    if (!decipher_encode(key, v, &data))
        FUZZ_CHECK(data.len > 0 && data.len <= 1 + RSA_OCTETS_MAX);
    else
        FUZZ_CHECK(data.len == 0);
    if (!decipher_decode(key, v, &plain))
        FUZZ_CHECK(plain.len > 0 && plain.len <= RSA_OCTETS_MAX);
    else
        FUZZ_CHECK(!plain.data);
    secret_free(&plain);
    buffer_free(&data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t choice = size ? data[0] % (sizeof algorithms / sizeof *algorithms) : 0;
    struct view answer = view_of(data + 1, size - 1);
    struct key_algorithm algorithm;
    struct public_key key;

    if (size == 0 || secret_init_library())
        return 0;
    algorithm = algorithm_parse(view_of(algorithms[choice].attributes, algorithms[choice].len));
    fuzz_mark(&key, sizeof key);
    if (public_key_parse(answer, &algorithm, &key)) {
        FUZZ_CHECK(fuzz_marked(&key, sizeof key));
        return 0;
    }
    check_key(&key);
    if (algorithm.curve) {
        check_from_x(algorithm.curve, view_of(key.q.bytes + 1, key.q.len - 1), true);
        check_from_x(algorithm.curve, answer, false);
    }
    check_decipher(&key, answer);
    check_decipher(&key, view_of(key.q.bytes, key.q.len));
    return 0;
}
