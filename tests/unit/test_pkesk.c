#include "message/pkesk.h"
#include "tests/unit/cmocka_all.h"

#include <string.h>

#define ID "\x01\x02\x03\x04\x05\x06\x07\x08"
#define W  "wrappedwrappedwrappedwra" /* 24 octets */

#define BYTES(literal) view_of(literal, sizeof(literal) - 1)

static void check_code(struct view body, gpg_err_code_t code)
{
    struct pkesk p = { .version = 99 };

    assert_int_equal(gpg_err_code(pkesk_parse(body, &p)), code);
    if (code)
        assert_int_equal(p.version, 99);
}

/* Every shorter body is an error, and so is one octet more. */
static void check_exact(struct view body)
{
    uint8_t longer[1024] = { 0 };

    for (size_t len = 0; len < body.len; len++)
        check_code(view_of(body.data, len), GPG_ERR_INV_PACKET);
    memcpy(longer, body.data, body.len);
    check_code(view_of(longer, body.len + 1), GPG_ERR_INV_PACKET);
    check_code(body, 0);
}

static void rsa_is_read(void **state)
{
    struct view body = BYTES("\x03" ID "\x01\x00\x11\x01\x02\x03");
    struct pkesk p;

    (void)state;
    check_exact(body);
    assert_int_equal(pkesk_parse(body, &p), 0);
    assert_true(p.on_token);
    assert_int_equal(p.encrypted_len, 3);
    assert_memory_equal(p.encrypted, "\x01\x02\x03", 3);
    assert_memory_equal(p.key_id, ID, 8);
    check_code(BYTES("\x03" ID "\x01\x00\x10\x00\x00"), GPG_ERR_INV_PACKET);
    check_code(BYTES("\x03" ID "\x01\x00\x00"), GPG_ERR_INV_PACKET);
}

static void rsa_beyond_any_token_is_said_to_be_so(void **state)
{
    uint8_t body[10 + 2 + 513] = { 3, 1, 2, 3, 4, 5, 6, 7, 8, 1, 0x10, 0x01, 1 };
    struct pkesk p;

    (void)state;
    assert_int_equal(pkesk_parse(view_of(body, 12 + 513), &p), GPG_ERR_NO_ERROR);
    assert_false(p.on_token);
    body[10] = 0x10;
    body[11] = 0x00;
    body[12] = 0x80;
    assert_int_equal(pkesk_parse(view_of(body, 12 + 512), &p), 0);
    assert_true(p.on_token);
    assert_int_equal(p.encrypted_len, 512);
}

static void ecdh_is_read(void **state)
{
    struct view body = BYTES("\x03" ID "\x12\x00\x17\x40pq\x18" W);
    struct pkesk p;

    (void)state;
    check_exact(body);
    assert_int_equal(pkesk_parse(body, &p), 0);
    assert_true(p.on_token);
    assert_int_equal(p.encrypted_len, 3);
    assert_int_equal(p.wrapped_len, 24);
    assert_memory_equal(p.wrapped, W, 24);
    /* Lengths that RFC 3394 does not have. */
    check_code(BYTES("\x03" ID "\x12\x00\x17\x40pq\x17wrappedwrappedwrappedwr"),
               GPG_ERR_INV_PACKET);
    check_code(BYTES("\x03" ID "\x12\x00\x17\x40pq\x10wrappedwrappedwr"), GPG_ERR_INV_PACKET);
    check_code(BYTES("\x03" ID "\x12\x00\x00\x18" W), GPG_ERR_INV_PACKET);
}

#define X25519 "0123456789abcdef0123456789abcdef"
#define X448   X25519 "0123456789abcdef01234567"

static void x25519_and_x448_are_read(void **state)
{
    struct pkesk p;

    (void)state;
    check_exact(BYTES("\x03" ID "\x19" X25519 "\x19\x09" W));
    check_exact(BYTES("\x03" ID "\x1a" X448 "\x19\x09" W));
    check_exact(BYTES("\x06\x00\x19" X25519 "\x18" W));
    check_exact(BYTES("\x06\x00\x1a" X448 "\x18" W));
    assert_int_equal(pkesk_parse(BYTES("\x03" ID "\x1a" X448 "\x19\x09" W), &p), 0);
    assert_int_equal(p.cipher, 9);
    assert_int_equal(p.encrypted_len, 56);
    assert_int_equal(pkesk_parse(BYTES("\x06\x00\x19" X25519 "\x18" W), &p), 0);
    assert_int_equal(p.cipher, 0);
    assert_int_equal(p.encrypted_len, 32);
}

static void recipients_are_named_by_fingerprint(void **state)
{
    struct view v6 = BYTES("\x06\x21\x06" X25519 "\x19" X25519 "\x18" W);
    struct view v4 = BYTES("\x06\x15\x04"
                           "0123456789abcdef0123"
                           "\x19" X25519 "\x18" W);
    struct pkesk p;

    (void)state;
    check_exact(v6);
    check_exact(v4);
    assert_int_equal(pkesk_parse(v6, &p), 0);
    assert_true(pkesk_names(&p, BYTES(X25519)));
    assert_false(pkesk_names(&p, BYTES("0123456789abcdef0123456789abcdeX")));
    assert_false(pkesk_is_hidden(&p));
    assert_int_equal(pkesk_parse(v4, &p), 0);
    assert_true(pkesk_names(&p, BYTES("0123456789abcdef0123")));
    assert_false(pkesk_names(&p, BYTES(X25519)));
    check_code(BYTES("\x06\x15\x06"
                     "0123456789abcdef0123"
                     "\x19" X25519 "\x18" W),
               GPG_ERR_INV_PACKET);
    check_code(BYTES("\x06\x01\x06\x19" X25519 "\x18" W), GPG_ERR_INV_PACKET);
}

static void recipients_are_named_by_key_id(void **state)
{
    struct pkesk p;

    (void)state;
    assert_int_equal(pkesk_parse(BYTES("\x03"
                                       "89abcdef"
                                       "\x01\x00\x01\x01"),
                                 &p),
                     0);
    assert_true(pkesk_names(&p, BYTES("0123456789ab89abcdef")));
    assert_false(pkesk_names(&p, BYTES("0123456789ab89abcdeX")));
    assert_true(pkesk_names(&p, BYTES("89abcdef0123456789abcdef01234567")));
    assert_false(pkesk_names(&p, BYTES("89abcdef")));
    assert_false(pkesk_is_hidden(&p));
    assert_int_equal(pkesk_parse(BYTES("\x03\0\0\0\0\0\0\0\0\x01\x00\x01\x01"), &p), 0);
    assert_true(pkesk_is_hidden(&p));
    assert_int_equal(pkesk_parse(BYTES("\x06\x00\x01\x00\x01\x01"), &p), 0);
    assert_true(pkesk_is_hidden(&p));
    assert_false(pkesk_names(&p, view_of(NULL, 0)));
}

static void what_no_token_has_is_no_error(void **state)
{
    static const uint8_t algorithms[] = { 8, 16, 35, 36, 99, 0 };

    (void)state;
    for (size_t i = 0; i < sizeof algorithms; i++) {
        uint8_t body[100] = { 3, 1, 2, 3, 4, 5, 6, 7, 8, algorithms[i] };
        struct pkesk p;

        assert_int_equal(pkesk_parse(view_of(body, sizeof body), &p), 0);
        assert_false(p.on_token);
        assert_memory_equal(p.key_id, ID, 8);
        assert_int_equal(p.algorithm, algorithms[i]);
    }
    assert_string_equal(public_key_algorithm_name(35), "ML-KEM-768 with X25519");
    assert_string_equal(public_key_algorithm_name(99), "unknown");
}

static void versions_unknown_are_said_to_be_so(void **state)
{
    (void)state;
    check_code(BYTES("\x02" ID "\x01\x00\x01\x01"), GPG_ERR_UNKNOWN_VERSION);
    check_code(BYTES("\x07"), GPG_ERR_UNKNOWN_VERSION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rsa_is_read),
        cmocka_unit_test(rsa_beyond_any_token_is_said_to_be_so),
        cmocka_unit_test(ecdh_is_read),
        cmocka_unit_test(x25519_and_x448_are_read),
        cmocka_unit_test(recipients_are_named_by_fingerprint),
        cmocka_unit_test(recipients_are_named_by_key_id),
        cmocka_unit_test(what_no_token_has_is_no_error),
        cmocka_unit_test(versions_unknown_are_said_to_be_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
