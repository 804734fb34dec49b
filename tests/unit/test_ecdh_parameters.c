#include "message/certificate.h"
#include "message/ecdh_parameters.h"
#include "tests/unit/cmocka_all.h"
#include "tests/unit/message_maker.h"

#include <string.h>

#define CREATED  0x5f000000
#define CV25519  view_of("\x2b\x06\x01\x04\x01\x97\x55\x01\x05\x01", 10)
#define NISTP256 view_of("\x2a\x86\x48\xce\x3d\x03\x01\x07", 8)
#define X448     view_of("\x2b\x65\x6f", 3)

/* A key packet as its owner's software wrote it; number is the point with its count of bits. */
static void make_key_packet(struct view oid, struct view number, uint8_t hash, uint8_t cipher,
                            struct buffer *out)
{
    const uint8_t kdf[] = { 3, 1, hash, cipher };
    struct buffer body = MAKER;

    assert_int_equal(buffer_append_u8(&body, 4), 0);
    assert_int_equal(buffer_append_u32(&body, CREATED), 0);
    assert_int_equal(buffer_append_u8(&body, ALGORITHM_ECDH), 0);
    assert_int_equal(buffer_append_u8(&body, (uint8_t)oid.len), 0);
    assert_int_equal(buffer_append_view(&body, oid), 0);
    assert_int_equal(buffer_append_view(&body, number), 0);
    assert_int_equal(buffer_append(&body, kdf, sizeof kdf), 0);
    make_packet(PACKET_PUBLIC_SUBKEY, buffer_view(&body), out);
    buffer_free(&body);
}

/* The certificate reader computes the fingerprint one way, the search another. */
static void check_found(struct view oid, struct view number, struct view card_point)
{
    for (uint8_t hash = HASH_SHA256; hash <= HASH_SHA512; hash++) {
        for (uint8_t cipher = 7; cipher <= 9; cipher++) {
            struct ecdh_parameters found = { 0 };
            struct buffer packet = MAKER;
            struct view bytes;
            struct certificate c;
            struct certificate_key key;

            make_key_packet(oid, number, hash, cipher, &packet);
            bytes = buffer_view(&packet);
            c = CERTIFICATE(source_of_view(&bytes));
            assert_int_equal(certificate_next_key(&c, &key), 0);
            assert_int_equal(key.kdf_hash, hash);
            assert_int_equal(key.kdf_cipher, cipher);
            assert_int_equal(
                ecdh_parameters_find(CREATED, oid, card_point, key.fingerprint, &found), 0);
            assert_int_equal(found.hash, hash);
            assert_int_equal(found.cipher, cipher);
            assert_int_equal(gpg_err_code(ecdh_parameters_find(CREATED + 1, oid, card_point,
                                                               key.fingerprint, &found)),
                             GPG_ERR_NOT_FOUND);
            assert_int_equal(gpg_err_code(certificate_next_key(&c, &key)), GPG_ERR_EOF);
            certificate_close(&c);
            buffer_free(&packet);
        }
    }
}

static void all_nine_pairs_are_found(void **state)
{
    static const uint8_t firsts[] = { 0x04, 0x40, 0x00, 0x01, 0x80, 0xff };
    uint8_t number[2 + 65] = { 0x02, 0x03, 0x04 }; /* 515 bits */

    (void)state;
    for (size_t i = 0; i < sizeof firsts; i++) {
        uint8_t curve25519[3 + 32] = { 0x01, 0x07, 0x40, firsts[i], 7, 7 };

        check_found(CV25519, view_of(curve25519, 35), view_of(curve25519 + 3, 32));
        number[3] = firsts[i];
        check_found(NISTP256, view_of(number, 67), view_of(number + 2, 65));
    }
}

/* Coordinates of X448 have been written bare, with and without the zero bits they begin with. */
static void bare_coordinates_are_found(void **state)
{
    uint8_t number[2 + 56] = { 0x01, 0xbe, 0x2a };   /* 446 bits */
    uint8_t whole[2 + 56] = { 0x01, 0xc0, 0x00, 1 }; /* 448 bits */

    (void)state;
    check_found(X448, view_of(number, 58), view_of(number + 2, 56));
    check_found(X448, view_of(whole, 58), view_of(whole + 2, 56));
}

static void nonsense_is_refused(void **state)
{
    uint8_t fingerprint[20] = { 0 };
    struct ecdh_parameters found = { .hash = 77 };
    uint8_t point[200] = { 0 };

    (void)state;
    assert_int_equal(gpg_err_code(ecdh_parameters_find(CREATED, CV25519, view_of(point, 0),
                                                       fingerprint, &found)),
                     GPG_ERR_INV_ARG);
    assert_int_equal(gpg_err_code(ecdh_parameters_find(CREATED, CV25519, view_of(point, 200),
                                                       fingerprint, &found)),
                     GPG_ERR_INV_ARG);
    assert_int_equal(gpg_err_code(ecdh_parameters_find(CREATED, view_of(point, 0),
                                                       view_of(point, 32), fingerprint, &found)),
                     GPG_ERR_INV_ARG);
    assert_int_equal(found.hash, 77);
}

static void keys_of_a_certificate_follow_each_other(void **state)
{
    static const char v6_x25519[] = "\x06\x5f\0\0\0\x19\0\0\0\x20"
                                    "0123456789abcdef0123456789abcdef";
    static const char v3[] = "\x03\x5f\0\0\0\0\0\x01\x00\x01\x01\x00\x01\x01";
    static const char v4_rsa[] = "\x04\x5f\0\0\0\x01\x00\x10\x80\x01\x00\x02\x03";
    struct buffer packets = MAKER;
    struct certificate c;
    struct certificate_key key;
    struct view bytes;

    (void)state;
    make_packet(PACKET_PUBLIC_KEY, view_of(v4_rsa, sizeof v4_rsa - 1), &packets);
    make_packet(13, view_of("alice", 5), &packets);
    make_packet(PACKET_PUBLIC_SUBKEY, view_of(v3, sizeof v3 - 1), &packets);
    make_packet(PACKET_PUBLIC_SUBKEY, view_of(v6_x25519, 20), &packets); /* cut */
    make_packet(PACKET_PUBLIC_SUBKEY, view_of(v6_x25519, sizeof v6_x25519 - 1), &packets);
    bytes = buffer_view(&packets);
    c = CERTIFICATE(source_of_view(&bytes));
    assert_int_equal(certificate_next_key(&c, &key), 0);
    assert_false(key.subkey);
    assert_int_equal(key.algorithm, ALGORITHM_RSA);
    assert_int_equal(key.modulus.len, 2);
    assert_int_equal(key.fingerprint_len, 20);
    assert_int_equal(certificate_next_key(&c, &key), 0);
    assert_true(key.subkey);
    assert_int_equal(key.version, 6);
    assert_int_equal(key.point.len, 32);
    assert_int_equal(key.fingerprint_len, 32);
    assert_int_equal(gpg_err_code(certificate_next_key(&c, &key)), GPG_ERR_EOF);
    certificate_close(&c);
    buffer_free(&packets);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_nine_pairs_are_found),
        cmocka_unit_test(bare_coordinates_are_found),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(keys_of_a_certificate_follow_each_other),
    };

    secret_init_library();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
