#include "apdu/decipher.h"
#include "tests/unit/gpg_keys.h"

static int init(void **state)
{
    (void)state;
    return secret_init_library() ? -1 : 0;
}

/* OpenPGP card specification §7.2.11: A6 { 7F49 { 86 point } }, by the lengths of each curve. */
static void points_are_wrapped_in_minimal_lengths(void **state)
{
    static const struct {
        const char *oid, *head;
        size_t total;
    } rows[] = {
        { "2A8648CE3D030107", "A646 7F4943 8641", 72 },
        { "2B81040022", "A666 7F4963 8661", 104 },
        { "2B81040023", "A6818C 7F498188 868185", 143 },
        { "2B2403030208010107", "A646 7F4943 8641", 72 },
        { "2B240303020801010B", "A666 7F4963 8661", 104 },
        { "2B240303020801010D", "A68188 7F498184 868181", 139 },
        { "2B8104000A", "A646 7F4943 8641", 72 },
        { "2B060104019755010501", "A625 7F4922 8620", 39 },
    };

    (void)state;
    assert_int_equal(sizeof rows / sizeof *rows, GPG_ECDH_VECTORS);
    for (size_t i = 0; i < GPG_ECDH_VECTORS; i++) {
        struct public_key key = vector_key(i);
        /* the ephemeral point as the card takes it: without gpg's 40 */
        const char *e = gpg_ecdh_vectors[i].e + (i == CV25519_VECTOR ? 2 : 0);
        struct buffer data = BUFFER(600);
        char expected[600];

        assert_string_equal(rows[i].oid, gpg_ecdh_vectors[i].oid);
        assert_ok(decipher_encode(&key, hex(e), &data));
        snprintf(expected, sizeof expected, "%s%s", rows[i].head, e);
        assert_octets(buffer_view(&data), expected);
        assert_int_equal(data.len, rows[i].total);
        buffer_free(&data);
    }
}

static void x448_point_is_wrapped(void **state)
{
    struct public_key key = point_key("2B656F", X448_Q);
    struct buffer data = BUFFER(600);

    (void)state;
    assert_ok(decipher_encode(&key, hex(X448_Q), &data));
    assert_int_equal(data.len, 63);
    assert_octets(buffer_view(&data), "A63D 7F493A 8638" X448_Q);
    buffer_free(&data);
}

static void points_that_cannot_be_are_refused(void **state)
{
    struct public_key p256 = vector_key(0);
    struct public_key cv25519 = vector_key(CV25519_VECTOR);
    struct buffer data = BUFFER(600);
    struct view e = hex(gpg_ecdh_vectors[0].e);
    uint8_t *off = exact_copy(e);

    (void)state;
    off[64] ^= 1;
    assert_err(decipher_encode(&p256, view_of(off, 65), &data), GPG_ERR_INV_DATA);
    assert_err(decipher_encode(&p256, view_of(e.data, 64), &data), GPG_ERR_INV_DATA);
    assert_err(decipher_encode(&p256, view_of(NULL, 0), &data), GPG_ERR_INV_DATA);
    assert_err(decipher_encode(&cv25519, hex(gpg_ecdh_vectors[CV25519_VECTOR].e), &data),
               GPG_ERR_INV_DATA);
    assert_err(decipher_encode(&cv25519, e, &data), GPG_ERR_INV_DATA);
    assert_int_equal(data.len, 0);
    free(off);
    buffer_free(&data);
}

/* A number of the modulus' length less `missing` octets, with `leading` zeros before it. */
static void check_rsa(size_t missing, size_t leading, gpg_err_code_t code)
{
    struct public_key key = rsa2048_key();
    uint8_t number[1024] = { 0 };
    uint8_t expected[257] = { 0 };
    struct buffer data = BUFFER(600);
    size_t len = 256 - missing;

    memset(number + leading, 0x5a, len);
    memset(expected + 1 + missing, 0x5a, len);
    assert_err(decipher_encode(&key, view_of(number, leading + len), &data), code);
    if (code)
        assert_int_equal(data.len, 0);
    else
        check_octets(buffer_view(&data), view_of(expected, 257), __FILE__, __LINE__);
    buffer_free(&data);
}

/* One message in 256 has a cryptogram that begins with zeros; some writers drop them, some keep
 * them, some add one. */
static void cryptograms_have_the_length_of_the_modulus(void **state)
{
    (void)state;
    for (size_t missing = 0; missing <= 16; missing++) {
        check_rsa(missing, 0, GPG_ERR_NO_ERROR);
        check_rsa(missing, missing, GPG_ERR_NO_ERROR);
        check_rsa(missing, missing + 1, GPG_ERR_NO_ERROR);
    }
    check_rsa(255, 0, GPG_ERR_NO_ERROR);
    check_rsa(0, 300, GPG_ERR_NO_ERROR);
    check_rsa(256, 0, GPG_ERR_INV_DATA);
    check_rsa(256, 10, GPG_ERR_INV_DATA);
}

static void longer_cryptograms_are_refused(void **state)
{
    struct public_key key = rsa2048_key();
    struct buffer data = BUFFER(600);
    uint8_t number[258];

    (void)state;
    memset(number, 0x01, sizeof number);
    assert_err(decipher_encode(&key, view_of(number, 257), &data), GPG_ERR_INV_DATA);
    number[0] = 0;
    assert_err(decipher_encode(&key, view_of(number, 258), &data), GPG_ERR_INV_DATA);
    assert_int_equal(data.len, 0);
    buffer_free(&data);
}

/* RFC 8017 §5.1.2: the ciphertext representative lies between 0 and n - 1. */
static void cryptograms_are_below_the_modulus(void **state)
{
    struct public_key key = rsa2048_key();
    struct buffer data = BUFFER(600);
    uint8_t number[256];

    (void)state;
    memcpy(number, key.n.bytes, sizeof number);
    assert_err(decipher_encode(&key, view_of(number, 256), &data), GPG_ERR_INV_DATA);
    assert_int_equal(data.len, 0);
    number[255] ^= 1; /* a modulus is odd: n - 1 */
    assert_ok(decipher_encode(&key, view_of(number, 256), &data));
    buffer_free(&data);
}

static void check_refused(const struct public_key *key, struct view answer, gpg_err_code_t code)
{
    struct secret out = { 0 };

    assert_err(decipher_decode(key, answer, &out), code);
    assert_null(out.data);
}

static void signing_keys_open_nothing(void **state)
{
    struct public_key key = vector_key(0);
    struct buffer data = BUFFER(600);

    (void)state;
    key.algorithm.kind = KEY_ECDSA;
    assert_err(decipher_encode(&key, hex(gpg_ecdh_vectors[0].e), &data), GPG_ERR_WRONG_KEY_USAGE);
    key.algorithm.kind = KEY_UNKNOWN;
    assert_err(decipher_encode(&key, hex(gpg_ecdh_vectors[0].e), &data), GPG_ERR_WRONG_KEY_USAGE);
    assert_int_equal(data.len, 0);
    check_refused(&key, hex("00{32}"), GPG_ERR_WRONG_KEY_USAGE);
    key = (struct public_key){ .algorithm.kind = KEY_NONE };
    check_refused(&key, hex("00{32}"), GPG_ERR_WRONG_KEY_USAGE);
}

static void check_answer(const struct public_key *key, const char *answer, const char *plain)
{
    struct secret out = { 0 };

    assert_ok(decipher_decode(key, hex(answer), &out));
    assert_octets(secret_view(&out), plain);
    secret_free(&out);
}

#define X04 "04112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF"
#define Y   "FFEEDDCCBBAA99887766554433221100FFEEDDCCBBAA99887766554433221100"
#define X30 "33445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF01"

/* What cards give for ECDH: x, 04 x y, or x without its leading zeros. */
static void shared_x_is_taken_by_length(void **state)
{
    struct public_key p256 = vector_key(0);
    uint8_t answer[66] = { 0x04 };

    (void)state;
    check_answer(&p256, X04, X04);
    check_answer(&p256, "04" X04 Y, X04);
    check_answer(&p256, X30, "0000" X30);
    check_answer(&p256, "05", "0000000000000000000000000000000000000000000000000000000000000005");
    check_refused(&p256, view_of(answer, 0), GPG_ERR_CARD);
    check_refused(&p256, view_of(answer, 33), GPG_ERR_CARD);
    check_refused(&p256, view_of(answer, 64), GPG_ERR_CARD);
    check_refused(&p256, view_of(answer, 66), GPG_ERR_CARD);
    answer[0] = 0x41;
    check_refused(&p256, view_of(answer, 65), GPG_ERR_CARD);
}

static void every_vector_gives_its_x(void **state)
{
    (void)state;
    for (size_t i = 0; i < GPG_ECDH_VECTORS; i++) {
        struct public_key key = vector_key(i);

        check_answer(&key, gpg_ecdh_vectors[i].z, gpg_ecdh_vectors[i].z);
    }
}

/* A Montgomery coordinate is never short, never a pair, and never zero (RFC 7748 §6.1). */
static void montgomery_answers_are_exact(void **state)
{
    struct public_key key = vector_key(CV25519_VECTOR);
    uint8_t answer[66] = { 0 };

    (void)state;
    check_refused(&key, view_of(answer, 32), GPG_ERR_INV_DATA);
    answer[31] = 1;
    check_refused(&key, view_of(answer, 31), GPG_ERR_CARD);
    check_refused(&key, view_of(answer, 33), GPG_ERR_CARD);
    check_refused(&key, view_of(answer, 0), GPG_ERR_CARD);
    answer[0] = 4;
    check_refused(&key, view_of(answer, 65), GPG_ERR_CARD);
}

/* PKCS #1 v1.5 leaves k - 11 octets for the message (RFC 8017 §7.2.1). */
static void rsa_answers_fit_the_padding(void **state)
{
    static const uint8_t message[257] = { 9 };
    struct public_key key = rsa2048_key();
    struct secret out = { 0 };

    (void)state;
    check_answer(&key, "0902", "0902");
    check_answer(&key, "00", "00");
    check_refused(&key, view_of(message, 0), GPG_ERR_DECRYPT_FAILED);
    check_refused(&key, view_of(message, 246), GPG_ERR_CARD);
    check_refused(&key, view_of(message, 256), GPG_ERR_CARD);
    assert_ok(decipher_decode(&key, view_of(message, 245), &out));
    assert_int_equal(out.len, 245);
    secret_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(points_are_wrapped_in_minimal_lengths),
        cmocka_unit_test(x448_point_is_wrapped),
        cmocka_unit_test(points_that_cannot_be_are_refused),
        cmocka_unit_test(cryptograms_have_the_length_of_the_modulus),
        cmocka_unit_test(longer_cryptograms_are_refused),
        cmocka_unit_test(cryptograms_are_below_the_modulus),
        cmocka_unit_test(signing_keys_open_nothing),
        cmocka_unit_test(shared_x_is_taken_by_length),
        cmocka_unit_test(every_vector_gives_its_x),
        cmocka_unit_test(montgomery_answers_are_exact),
        cmocka_unit_test(rsa_answers_fit_the_padding),
    };

    return cmocka_run_group_tests(tests, init, NULL);
}
