#include "base/text.h"
#include "message/ecdh_kdf.h"
#include "message/ecdh_parameters.h"
#include "tests/unit/cmocka_all.h"
#include "tests/unit/ecdh_vectors.h"

#include <gcrypt.h>
#include <string.h>

#define VECTORS (sizeof ecdh_vectors / sizeof *ecdh_vectors)

struct loaded {
    struct pkesk pkesk;
    struct recipient recipient;
    struct secret z;
    uint8_t oid[16], point[133], fingerprint[32];
};

static struct view from_hex(const char *hex, uint8_t *out, size_t size)
{
    size_t len;

    assert_true(hex_decode(hex, strlen(hex), out, size, &len));
    return view_of(out, len);
}

static void load(size_t i, struct loaded *l)
{
    uint8_t octets[512];

    memset(l, 0, sizeof *l);
    assert_int_equal(pkesk_parse(from_hex(ecdh_vectors[i].pkesk, octets, sizeof octets), &l->pkesk),
                     0);
    assert_int_equal(secret_copy(&l->z, from_hex(ecdh_vectors[i].z, octets, sizeof octets)), 0);
    l->recipient = (struct recipient){
        .version = (uint8_t)ecdh_vectors[i].version,
        .fingerprint = from_hex(ecdh_vectors[i].fingerprint, l->fingerprint, sizeof l->fingerprint),
        .oid = from_hex(ecdh_vectors[i].oid, l->oid, sizeof l->oid),
        .point = from_hex(ecdh_vectors[i].point, l->point, sizeof l->point),
        .kdf_hash = (uint8_t)ecdh_vectors[i].hash,
        .kdf_cipher = (uint8_t)ecdh_vectors[i].cipher,
    };
}

static gpg_err_code_t try_open(const struct loaded *l)
{
    struct session_key key = { 0 };
    gpg_error_t err = session_key_open(&l->pkesk, &l->recipient, &l->z, &key);

    session_key_free(&key);
    return gpg_err_code(err);
}

static void session_keys_are_those_that_others_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < VECTORS; i++) {
        struct session_key key = { 0 };
        struct secret text = { 0 };
        struct loaded l;

        load(i, &l);
        assert_true(pkesk_names(&l.pkesk, l.recipient.fingerprint));
        assert_int_equal(session_key_open(&l.pkesk, &l.recipient, &l.z, &key), 0);
        assert_int_equal(session_key_text(&key, &text), 0);
        assert_int_equal(text.len, strlen(ecdh_vectors[i].session_key));
        assert_memory_equal(text.data, ecdh_vectors[i].session_key, text.len);
        secret_free(&text);
        session_key_free(&key);
        secret_free(&l.z);
    }
}

static void parameters_are_found_from_the_card_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < VECTORS; i++) {
        struct ecdh_parameters found;
        struct loaded l;

        load(i, &l);
        secret_free(&l.z);
        if (l.recipient.version != 4)
            continue;
        assert_int_equal(ecdh_parameters_find(ecdh_vectors[i].created, l.recipient.oid,
                                              l.recipient.point, l.fingerprint, &found),
                         0);
        assert_int_equal(found.hash, ecdh_vectors[i].hash);
        assert_int_equal(found.cipher, ecdh_vectors[i].cipher);
    }
}

/* Whatever is wrong, the answer, the packet or the key, nobody learns which. */
static void every_wrong_octet_fails_alike(void **state)
{
    (void)state;
    for (size_t i = 0; i < VECTORS; i++) {
        struct loaded l;

        load(i, &l);
        for (size_t at = 0; at < l.z.len; at++) {
            l.z.data[at] ^= 1;
            assert_int_equal(try_open(&l), GPG_ERR_DECRYPT_FAILED);
            l.z.data[at] ^= 1;
        }
        for (size_t at = 0; at < l.pkesk.wrapped_len; at++) {
            l.pkesk.wrapped[at] ^= 1;
            assert_int_equal(try_open(&l), GPG_ERR_DECRYPT_FAILED);
            l.pkesk.wrapped[at] ^= 1;
        }
        for (size_t at = 0; at < 20; at++) {
            l.fingerprint[at] ^= 1;
            assert_int_equal(try_open(&l), GPG_ERR_DECRYPT_FAILED);
            l.fingerprint[at] ^= 1;
        }
        secret_truncate(&l.z, l.z.len - 1);
        assert_int_equal(try_open(&l), GPG_ERR_DECRYPT_FAILED);
        secret_free(&l.z);
    }
}

static void recipients_that_cannot_be_are_refused(void **state)
{
    struct session_key key = { 0 };
    struct loaded l;

    (void)state;
    load(0, &l);
    assert_int_equal(gpg_err_code(session_key_open(&l.pkesk, NULL, &l.z, &key)), GPG_ERR_INV_ARG);
    l.recipient.kdf_hash = 2;
    assert_int_equal(try_open(&l), GPG_ERR_INV_ARG);
    l.recipient.kdf_hash = 9;
    assert_int_equal(try_open(&l), GPG_ERR_DECRYPT_FAILED);
    l.recipient.kdf_hash = 10;
    assert_int_equal(try_open(&l), GPG_ERR_DECRYPT_FAILED);
    l.recipient.kdf_cipher = 2;
    assert_int_equal(try_open(&l), GPG_ERR_INV_ARG);
    l.recipient.kdf_cipher = 7;
    l.recipient.fingerprint.len = 19;
    assert_int_equal(try_open(&l), GPG_ERR_INV_ARG);
    l.recipient.fingerprint.len = 20;
    l.recipient.oid.len = 0;
    assert_int_equal(try_open(&l), GPG_ERR_INV_ARG);
    l.pkesk.algorithm = ALGORITHM_X25519; /* of 33 octets, to a key of 32 */
    assert_int_equal(try_open(&l), GPG_ERR_INV_ARG);
    assert_int_equal(gpg_err_code(session_key_open(&l.pkesk, NULL, &l.z, &key)), GPG_ERR_INV_ARG);
    secret_free(&l.z);
}

static void check_hkdf(const char *salt, const char *info, const char *okm)
{
    uint8_t ikm[22], salt_octets[64], info_octets[64], expected[64];
    struct view want = from_hex(okm, expected, sizeof expected);
    struct secret got = { 0 };

    memset(ikm, 0x0b, sizeof ikm);
    assert_int_equal(hkdf(GCRY_MD_SHA256, view_of(ikm, sizeof ikm),
                          from_hex(salt, salt_octets, sizeof salt_octets),
                          from_hex(info, info_octets, sizeof info_octets), want.len, &got),
                     0);
    assert_true(secret_equal(secret_view(&got), want));
    secret_free(&got);
}

/* RFC 5869 §A.1 and §A.3, RFC 3394 §4.1. */
static void primitives_give_what_their_rfcs_say(void **state)
{
    struct secret kek = { 0 }, plain = { 0 };
    uint8_t octets[64];

    (void)state;
    check_hkdf(
        "000102030405060708090a0b0c", "f0f1f2f3f4f5f6f7f8f9",
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
    check_hkdf(
        "", "",
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
    assert_int_equal(
        secret_copy(&kek, from_hex("000102030405060708090a0b0c0d0e0f", octets, sizeof octets)), 0);
    assert_int_equal(aes_key_unwrap(GCRY_CIPHER_AES, &kek,
                                    from_hex("1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5",
                                             octets, sizeof octets),
                                    &plain),
                     0);
    assert_true(secret_equal(secret_view(&plain),
                             from_hex("00112233445566778899aabbccddeeff", octets, sizeof octets)));
    for (size_t len = 0; len < 24; len++)
        assert_int_equal(
            gpg_err_code(aes_key_unwrap(GCRY_CIPHER_AES, &kek, view_of(octets, len), &plain)),
            GPG_ERR_INV_DATA);
    secret_free(&kek);
    secret_free(&plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(session_keys_are_those_that_others_found),
        cmocka_unit_test(parameters_are_found_from_the_card_alone),
        cmocka_unit_test(every_wrong_octet_fails_alike),
        cmocka_unit_test(recipients_that_cannot_be_are_refused),
        cmocka_unit_test(primitives_give_what_their_rfcs_say),
    };

    secret_init_library();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
