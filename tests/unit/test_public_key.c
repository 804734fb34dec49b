#include "apdu/public_key.h"
#include "base/secret.h"
#include "tests/unit/gpg_keys.h"

static int init(void **state)
{
    (void)state;
    return secret_init_library() ? -1 : 0;
}

static void assert_keygrip(const struct public_key *key, const char *digits)
{
    assert_octets(view_of(key->keygrip, KEYGRIP_LEN), digits);
}

static void keygrips_are_gpgs(void **state)
{
    struct public_key key = rsa2048_key();

    (void)state;
    assert_keygrip(&key, gpg_rsa2048_keygrip);
    assert_int_equal(key.n.len, 256);
    assert_octets(view_of(key.e.bytes, key.e.len), "010001");
    for (size_t i = 0; i < GPG_ECDH_VECTORS; i++) {
        key = vector_key(i);
        assert_keygrip(&key, gpg_ecdh_vectors[i].keygrip);
    }
}

static void signing_keys_have_keygrips_too(void **state)
{
    struct key_algorithm ed25519 = { .kind = KEY_EDDSA,
                                     .curve = curve_by_oid(hex("2B06010401DA470F01")) };
    struct key_algorithm ecdsa = { .kind = KEY_ECDSA,
                                   .curve = curve_by_oid(hex("2A8648CE3D030107")) };
    struct public_key key;

    (void)state;
    /* as the card writes it, and with gpg's mark before it */
    assert_ok(public_key_parse(point_answer(gpg_ed25519_q + 2), &ed25519, &key));
    assert_keygrip(&key, gpg_ed25519_keygrip);
    assert_ok(public_key_parse(point_answer(gpg_ed25519_q), &ed25519, &key));
    assert_keygrip(&key, gpg_ed25519_keygrip);
    assert_ok(public_key_parse(point_answer(gpg_ecdh_vectors[0].q), &ecdsa, &key));
    assert_keygrip(&key, gpg_ecdh_vectors[0].keygrip);
}

/* gpg 2.2 has neither curve. Python's hashlib computed SHA-1 over p, a, b, g, n and q, each as
 * (1:<letter><length>:<octets>), with the parameters of RFC 7748 §4.2 and RFC 8032 §5.2; the same
 * script gives gpg's keygrip for the cv25519 key. Keys: RFC 7748 §6.2 (Alice), RFC 8032 §7.4
 * (blank). */
static void keygrips_of_448_bits(void **state)
{
    static const char alice[] = "9B08F7CC31B7E3E67D22D5AEA121074A273BD2B83DE09C63FAA73D2C22C5D9BB"
                                "C836647241D953D40C5B12DA88120D53177F80E532C41FA0";
    static const char blank[] = "5FD7449B59B461FD2CE787EC616AD46A1DA1342485A70E1F8A0EA75D80E96778"
                                "EDF124769B46C7061BD6783DF1E50F6CD1FA1ABEAFE8256180";
    struct key_algorithm ed448 = { .kind = KEY_EDDSA, .curve = curve_by_oid(hex("2B6571")) };
    struct public_key key = point_key("2B656F", alice);

    (void)state;
    assert_keygrip(&key, "EEED2EB987935372B289CF7A4016633F1735E9EA");
    assert_ok(public_key_parse(point_answer(blank), &ed448, &key));
    assert_keygrip(&key, "437DD6DDEA275D4502C17F767AE6ED45081C46C6");
}

static void shape_of_the_answer_does_not_matter(void **state)
{
    struct key_algorithm algorithm = ecdh_algorithm("2B060104019755010501");
    const char *q = gpg_ecdh_vectors[CV25519_VECTOR].q; /* 40 and the coordinate */
    const char *heads[] = { "7F498123 868120", "7F4922 8620", "8620", "7F4924 8100 8620",
                            "8100 00FF 868120" };
    struct public_key key;
    char answer[256];

    (void)state;
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        snprintf(answer, sizeof answer, "%s%s", heads[i], q + 2);
        assert_ok(public_key_parse(hex(answer), &algorithm, &key));
        assert_keygrip(&key, gpg_ecdh_vectors[CV25519_VECTOR].keygrip);
        assert_int_equal(key.q.len, 32);
    }
    assert_ok(public_key_parse(point_answer(q), &algorithm, &key));
    assert_keygrip(&key, gpg_ecdh_vectors[CV25519_VECTOR].keygrip);
    assert_int_equal(key.q.len, 32);
}

static gpg_error_t parse_rsa(const char *n_head, const char *n, const char *e)
{
    struct key_algorithm algorithm = { .kind = KEY_RSA, .rsa_bits = 2048 };
    struct public_key key = { .n.len = 7 };
    char answer[1024];
    gpg_error_t err;

    snprintf(answer, sizeof answer, "%s%s%s", n_head, n, e);
    err = public_key_parse(hex(answer), &algorithm, &key);
    if (err)
        assert_int_equal(key.n.len, 7);
    else
        assert_keygrip(&key, gpg_rsa2048_keygrip);
    return err;
}

static void rsa_numbers_are_checked(void **state)
{
    char n[sizeof gpg_rsa2048_n];

    (void)state;
    assert_ok(parse_rsa("81820100", gpg_rsa2048_n, "820400010001"));
    assert_ok(parse_rsa("81820101 00", gpg_rsa2048_n, "8203010001"));
    assert_ok(parse_rsa("8203010001 81820100", gpg_rsa2048_n, ""));
    assert_err(parse_rsa("81820100", gpg_rsa2048_n, ""), GPG_ERR_BAD_PUBKEY);
    assert_err(parse_rsa("", "", "8203010001"), GPG_ERR_BAD_PUBKEY);
    assert_err(parse_rsa("81820100", gpg_rsa2048_n, "8200"), GPG_ERR_BAD_PUBKEY);
    assert_err(parse_rsa("81820100", gpg_rsa2048_n, "820101"), GPG_ERR_BAD_PUBKEY);
    assert_err(parse_rsa("81820100", gpg_rsa2048_n, "8203010000"), GPG_ERR_BAD_PUBKEY);
    assert_err(parse_rsa("81820100", gpg_rsa2048_n, "8209010000000000000001"), GPG_ERR_BAD_PUBKEY);
    /* one octet short, one too long, top bit clear, even */
    assert_err(parse_rsa("818200FF", gpg_rsa2048_n + 2, "8203010001"), GPG_ERR_BAD_PUBKEY);
    assert_err(parse_rsa("81820101 01", gpg_rsa2048_n, "8203010001"), GPG_ERR_BAD_PUBKEY);
    memcpy(n, gpg_rsa2048_n, sizeof n);
    n[0] = '7';
    assert_err(parse_rsa("81820100", n, "8203010001"), GPG_ERR_BAD_PUBKEY);
    memcpy(n, gpg_rsa2048_n, sizeof n);
    n[sizeof n - 2] = '8';
    assert_err(parse_rsa("81820100", n, "8203010001"), GPG_ERR_BAD_PUBKEY);
}

static void points_off_the_curve_are_refused(void **state)
{
    struct public_key key = { .q.len = 7 };

    (void)state;
    for (size_t i = 0; i < CV25519_VECTOR; i++) {
        struct key_algorithm algorithm = ecdh_algorithm(gpg_ecdh_vectors[i].oid);
        struct view answer = point_answer(gpg_ecdh_vectors[i].q);
        uint8_t *copy = exact_copy(answer);

        copy[answer.len - 1] ^= 1;
        assert_err(public_key_parse(view_of(copy, answer.len), &algorithm, &key),
                   GPG_ERR_BAD_PUBKEY);
        assert_int_equal(key.q.len, 7);
        free(copy);
    }
}

static void points_of_another_length_are_refused(void **state)
{
    struct key_algorithm p256 = ecdh_algorithm("2A8648CE3D030107");
    struct key_algorithm cv25519 = ecdh_algorithm("2B060104019755010501");
    struct public_key key;

    (void)state;
    assert_err(public_key_parse(point_answer(gpg_ecdh_vectors[1].q), &p256, &key),
               GPG_ERR_BAD_PUBKEY);
    assert_err(public_key_parse(point_answer(gpg_ecdh_vectors[0].q), &cv25519, &key),
               GPG_ERR_BAD_PUBKEY);
    assert_err(public_key_parse(point_answer(X448_Q), &cv25519, &key), GPG_ERR_BAD_PUBKEY);
    assert_err(public_key_parse(hex("7F4900"), &cv25519, &key), GPG_ERR_BAD_PUBKEY);
    assert_err(public_key_parse(hex("7F49028600"), &cv25519, &key), GPG_ERR_BAD_PUBKEY);
    assert_err(public_key_parse(hex(""), &cv25519, &key), GPG_ERR_BAD_PUBKEY);
}

static void unknown_algorithms_are_no_bad_keys(void **state)
{
    struct key_algorithm unknown = { .kind = KEY_UNKNOWN };
    struct key_algorithm none = { .kind = KEY_NONE };
    struct public_key key;

    (void)state;
    assert_err(public_key_parse(point_answer(X448_Q), &unknown, &key), GPG_ERR_PUBKEY_ALGO);
    assert_err(public_key_parse(point_answer(X448_Q), &none, &key), GPG_ERR_PUBKEY_ALGO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keygrips_are_gpgs),
        cmocka_unit_test(signing_keys_have_keygrips_too),
        cmocka_unit_test(keygrips_of_448_bits),
        cmocka_unit_test(shape_of_the_answer_does_not_matter),
        cmocka_unit_test(rsa_numbers_are_checked),
        cmocka_unit_test(points_off_the_curve_are_refused),
        cmocka_unit_test(points_of_another_length_are_refused),
        cmocka_unit_test(unknown_algorithms_are_no_bad_keys),
    };

    return cmocka_run_group_tests(tests, init, NULL);
}
