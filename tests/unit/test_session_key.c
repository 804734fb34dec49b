#include "message/session_key.h"
#include "message/symmetric.h"
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <string.h>

static const struct pkesk rsa_v3 = { .version = 3, .algorithm = 1, .on_token = true };
static const struct pkesk rsa_v6 = { .version = 6, .algorithm = 1, .on_token = true };

/* What a card gives for RSA: in version 3 the cipher, then the key and its sum. */
static size_t make_payload(const struct pkesk *p, uint8_t cipher, size_t key_len, uint8_t *out)
{
    unsigned sum = 0;
    size_t len = 0;

    if (p->version == 3)
        out[len++] = cipher;
    for (size_t i = 0; i < key_len; i++) {
        out[len] = (uint8_t)(i * 11 + 200);
        sum += out[len++];
    }
    out[len++] = (uint8_t)(sum >> 8);
    out[len++] = (uint8_t)sum;
    return len;
}

static gpg_err_code_t open_rsa(const struct pkesk *p, const uint8_t *payload, size_t len,
                               struct session_key *key)
{
    struct secret result = { 0 };
    gpg_error_t err;

    assert_int_equal(secret_copy(&result, view_of(payload, len)), 0);
    err = session_key_open(p, NULL, &result, key);
    secret_free(&result);
    return gpg_err_code(err);
}

static void every_cipher_has_its_key_length(void **state)
{
    uint8_t payload[64];

    (void)state;
    for (unsigned cipher = 0; cipher < 256; cipher++) {
        const struct symmetric *known = symmetric_by_id((uint8_t)cipher);

        for (size_t key_len = 0; key_len < 40; key_len++) {
            struct session_key key = { 0 };
            size_t len = make_payload(&rsa_v3, (uint8_t)cipher, key_len, payload);
            bool good = known && known->key_octets == key_len;

            assert_int_equal(open_rsa(&rsa_v3, payload, len, &key),
                             good ? 0 : GPG_ERR_DECRYPT_FAILED);
            assert_int_equal(key.cipher, good ? cipher : 0);
            assert_int_equal(key.key.len, good ? key_len : 0);
            session_key_free(&key);
        }
    }
}

static void version_6_names_no_cipher(void **state)
{
    uint8_t payload[64];

    (void)state;
    for (size_t key_len = 0; key_len < 40; key_len++) {
        bool good = key_len == 16 || key_len == 24 || key_len == 32;
        struct session_key key = { 0 };
        size_t len = make_payload(&rsa_v6, 0, key_len, payload);

        assert_int_equal(open_rsa(&rsa_v6, payload, len, &key), good ? 0 : GPG_ERR_DECRYPT_FAILED);
        session_key_free(&key);
    }
}

static void every_octet_of_the_block_counts(void **state)
{
    struct session_key key = { 0 };
    uint8_t payload[64];
    size_t len = make_payload(&rsa_v3, 9, 32, payload);

    (void)state;
    for (size_t bit = 0; bit < 8 * len; bit++) {
        payload[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (bit / 8 == 0 && symmetric_by_id(payload[0]) &&
            symmetric_by_id(payload[0])->key_octets == 32)
            ; /* another cipher of this length: the sum does not cover the cipher */
        else
            assert_int_equal(open_rsa(&rsa_v3, payload, len, &key), GPG_ERR_DECRYPT_FAILED);
        payload[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t shorter = 0; shorter < len; shorter++)
        assert_int_equal(open_rsa(&rsa_v3, payload, shorter, &key), GPG_ERR_DECRYPT_FAILED);
    session_key_free(&key);
}

static gpg_err_code_t from_frame(const uint8_t *frame, size_t len, struct session_key *key)
{
    struct secret octets = { 0 };
    gpg_error_t err;

    assert_int_equal(secret_copy(&octets, view_of(frame, len)), 0);
    err = session_key_from_frame(&rsa_v3, &octets, key);
    secret_free(&octets);
    return gpg_err_code(err);
}

/* GnuPG pads to 40 octets, others to the next 8; both are right (RFC 9580 §11.5). */
static void padding_of_any_length_is_taken_off(void **state)
{
    struct session_key key = { 0 };
    uint8_t frame[256];
    size_t len = make_payload(&rsa_v3, 7, 16, frame);

    (void)state;
    for (size_t padded = len + 1; padded < 248; padded++) {
        memset(frame + len, (int)(padded - len), padded - len);
        assert_int_equal(from_frame(frame, padded, &key), 0);
        assert_int_equal(key.key.len, 16);
        frame[len] ^= 1;
        assert_int_equal(from_frame(frame, padded, &key), GPG_ERR_DECRYPT_FAILED);
    }
    memset(frame, 0, sizeof frame);
    assert_int_equal(from_frame(frame, 0, &key), GPG_ERR_DECRYPT_FAILED);
    assert_int_equal(from_frame(frame, 40, &key), GPG_ERR_DECRYPT_FAILED);
    memset(frame, 40, sizeof frame);
    assert_int_equal(from_frame(frame, 40, &key), GPG_ERR_DECRYPT_FAILED);
    memset(frame, 41, sizeof frame);
    assert_int_equal(from_frame(frame, 40, &key), GPG_ERR_DECRYPT_FAILED);
    session_key_free(&key);
}

static void session_keys_have_a_text(void **state)
{
    static const char text[] = "7:000102030405060708090A0B0C0D0E0F";
    struct session_key key = { 0 };
    struct secret written = { 0 };

    (void)state;
    assert_int_equal(session_key_parse(text, &key), 0);
    assert_int_equal(key.cipher, 7);
    assert_int_equal(key.key.len, 16);
    assert_int_equal(session_key_text(&key, &written), 0);
    assert_int_equal(written.len, strlen(text));
    assert_memory_equal(written.data, text, written.len);
    assert_int_equal(session_key_parse("0:000102030405060708090a0b0c0d0e0f", &key), 0);
    assert_int_equal(key.cipher, 0);
    session_key_free(&key);
    assert_int_equal(session_key_parse("7.2:000102030405060708090a0b0c0d0e0f", &key), 0);
    assert_int_equal(key.cipher, 7);
    secret_free(&written);
    session_key_free(&key);
}

static void other_texts_are_refused(void **state)
{
    static const char *const texts[] = {
        "",
        ":",
        ".2:000102030405060708090A0B0C0D0E0F",
        "7.:000102030405060708090A0B0C0D0E0F",
        "7.x:000102030405060708090A0B0C0D0E0F",
        "7.2",
        "7",
        "7:",
        "7:0",
        "7:00",
        "7:000102030405060708090A0B0C0D0E0g",
        "x:00",
        "1000:00",
        "-1:00",
        "256:00",
        "99:000102030405060708090A0B0C0D0E0F",
        "9:000102030405060708090A0B0C0D0E0F",
        "1:000102030405060708090A0B0C0D0E0F",
        "9:000102030405060708090A0B0C0D0E0F000102030405060708090A0B0C0D0E0F00",
    };
    struct session_key key = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_int_not_equal(session_key_parse(texts[i], &key), 0);
    assert_null(key.key.data);
}

static void what_no_token_opens_is_said_to_be_so(void **state)
{
    const struct pkesk kyber = { .version = 3, .algorithm = 8 };
    struct session_key key = { 0 };
    uint8_t octets[32] = { 0 };

    (void)state;
    assert_int_equal(open_rsa(&kyber, octets, sizeof octets, &key), GPG_ERR_UNSUPPORTED_ALGORITHM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cipher_has_its_key_length),
        cmocka_unit_test(version_6_names_no_cipher),
        cmocka_unit_test(every_octet_of_the_block_counts),
        cmocka_unit_test(padding_of_any_length_is_taken_off),
        cmocka_unit_test(session_keys_have_a_text),
        cmocka_unit_test(other_texts_are_refused),
        cmocka_unit_test(what_no_token_opens_is_said_to_be_so),
    };

    secret_init_library();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
