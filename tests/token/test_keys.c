/* Slots: attributes, generation, import, reading. */
#include "tests/token/exchange.h"
#include "tests/token/rsa_key.h"

#define ECC_DECRYPT_25519 "00 DA 00C2 0B 12 2B060104019755010501"
#define ECC_SIGN_25519    "00 DA 00C1 0A 16 2B06010401DA470F01"
#define ECC_SIGN_P256     "00 DA 00C1 09 13 2A8648CE3D030107"

/* RFC 7748 §6.1, Alice: secret (big-endian) and public. */
#define ALICE_SECRET "2A2CB91DA5FB77B12A99C0EB872F4CDF4566B25172C1163C7DA518730A6D0777"
#define ALICE_PUBLIC "8520F0098930A754748B7DDCB43EF75A0DBF3A0D26381AF4EBA4A98EAA9B4E6A"

#define RSA_IMPORT(crt)                                                                            \
    "00 DB 3FFF 00 0119 4D 820115" crt "7F48 08 9103 928180 938180 5F48 820103 010001" RSA_P RSA_Q

static struct token *new_admin(void)
{
    struct token *t = exchange_new();

    expect(t, VERIFY_ADMIN, "9000");
    return t;
}

static void empty_slots_are_6a88(void **state)
{
    struct token *t = exchange_new();

    (void)state;
    expect(t, "00 47 8100 02 B600 00", "6A88");
    expect(t, "00 47 8100 02 B800 00", "6A88");
    expect(t, "00 47 8100 02 A400 00", "6A88");
    expect(t, "00 47 8100 05 B803840102 00", "6A88");
    token_free(&t);
}

static void wrong_references_are_refused(void **state)
{
    struct token *t = exchange_new();

    (void)state;
    expect(t, "00 47 8100 05 B803840101 00", "6A80");
    expect(t, "00 47 8100 02 B700 00", "6A80");
    expect(t, "00 47 8100 03 B80100 00", "6A80");
    expect(t, "00 47 8100 03 B80000 00", "6A80");
    expect(t, "00 47 8100 00", "6A80");
    expect(t, "00 47 8200 02 B800 00", "6B00");
    expect(t, "00 47 8101 02 B800 00", "6B00");
    token_free(&t);
}

static void rsa_key_is_imported_and_read(void **state)
{
    struct token *t = exchange_new();

    (void)state;
    expect(t, RSA_IMPORT("B800"), "6982");
    expect(t, VERIFY_ADMIN, "9000");
    expect(t, RSA_IMPORT("B800"), "9000");
    expect(t, "00 47 8100 00 0002 B800 0000", "7F49 820109 81 820100" RSA_N "82 03 010001 9000");
    expect(t, "00 47 8100 00 0005 B803840102 0000",
           "7F49 820109 81 820100" RSA_N "82 03 010001 9000");
    expect(t, "00 CA 00DE 00", "010002020300 9000");
    expect(t, "00 47 8100 00 0002 B600 0000", "6A88");
    token_free(&t);
}

/* Primes may come in either order. */
static void order_of_primes_does_not_matter(void **state)
{
    struct token *t = new_admin();

    (void)state;
    expect(t,
           "00 DB 3FFF 00 0119 4D 820115 B600 7F48 08 9103 928180 938180 5F48 820103 010001" RSA_Q
               RSA_P,
           "9000");
    expect(t, "00 47 8100 00 0002 B600 0000", "7F49 820109 81 820100" RSA_N "82 03 010001 9000");
    token_free(&t);
}

static void what_the_card_works_out_itself_may_come_along(void **state)
{
    struct token *t = new_admin();

    (void)state;
    /* 97: the modulus, in a template of its own length */
    expect(t,
           "00 DB 3FFF 00 021D 4D 820219 B800 7F48 0C 9103 928180 938180 97820100"
           "5F48 820203 010001" RSA_P RSA_Q RSA_N,
           "9000");
    token_free(&t);
}

static void rsa_numbers_that_are_no_key_are_refused(void **state)
{
    struct token *t = new_admin();

    (void)state;
    /* p twice; e even; e of five octets; p missing; p and q too short for the attributes */
    expect(t,
           "00 DB 3FFF 00 0119 4D 820115 B800 7F48 08 9103 928180 938180 5F48 820103 010001" RSA_P
               RSA_P,
           "6A80");
    expect(t,
           "00 DB 3FFF 00 0119 4D 820115 B800 7F48 08 9103 928180 938180 5F48 820103 010000" RSA_P
               RSA_Q,
           "6A80");
    expect(
        t,
        "00 DB 3FFF 00 011B 4D 820117 B800 7F48 08 9105 928180 938180 5F48 820105 0100000001" RSA_P
            RSA_Q,
        "6A80");
    expect(t, "00 DB 3FFF 13 4D11 B800 7F48 04 9103 9202 5F48 05 010001 0003", "6A80");
    expect(t, "00 DB 3FFF 17 4D15 B800 7F48 06 9103 9202 9302 5F48 07 010001 0003 0005", "6A80");
    expect(t, "00 CA 00DE 00", "010002000300 9000");
    token_free(&t);
}

static void malformed_header_lists_are_refused(void **state)
{
    static const char *const wrong[] = {
        "00 DB 3FFF",                                              /* nothing */
        "00 DB 3FFF 01 4D",                                        /* no length */
        "00 DB 3FFF 02 4D05",                                      /* runs past the end */
        "00 DB 3FFF 04 4D02 B800",                                 /* no template */
        "00 DB 3FFF 09 4D07 B800 7F48 02 9220",                    /* no numbers */
        "00 DB 3FFF 0D 4D0B B800 7F48 02 9220 5F48 01 00",         /* too few octets */
        "00 DB 3FFF 0E 4D0C B800 7F48 02 9201 5F48 02 0000",       /* too many */
        "00 DB 3FFF 0C 4D0B B900 7F48 02 9201 5F48 01",            /* unknown slot */
        "00 DB 3FFF 0D 4C0B B800 7F48 02 9201 5F48 01 01",         /* another tag */
        "00 DB 3FFF 0D 4D0B B800 7F49 02 9201 5F48 01 01",         /* another template */
        "00 DB 3FFF 0D 4D0B B800 7F48 02 8101 5F48 01 01",         /* another number */
        "00 DB 3FFF 0E 4D0B B800 7F48 02 9201 5F48 01 01 00",      /* something behind */
        "00 DB 3FFF 0D 4D81 0B B800 7F48 02 9201 5F48 01 01",      /* shorter than its length */
        "00 DB 3FFF 11 4D0F B800 7F48 06 928400000001 5F48 01 01", /* length of four octets */
    };
    struct token *t = new_admin();

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        expect(t, wrong[i], "6A80");
    expect(t, "00 DB 3FFE 01 4D", "6B00");
    token_free(&t);
}

static void curve25519_key_is_imported_and_read(void **state)
{
    struct token *t = new_admin();

    (void)state;
    expect(t, ECC_DECRYPT_25519, "9000");
    expect(t, "00 DB 3FFF 2C 4D2A B800 7F48 02 9220 5F48 20" ALICE_SECRET, "9000");
    expect(t, "00 47 8100 02 B800 00", "7F49 22 86 20" ALICE_PUBLIC "9000");
    token_free(&t);
}

/* RFC 8032 §7.1, test 2 */
static void ed25519_key_is_imported_and_read(void **state)
{
    struct token *t = new_admin();

    (void)state;
    expect(t, ECC_SIGN_25519, "9000");
    expect(t,
           "00 DB 3FFF 2C 4D2A B600 7F48 02 9220 5F48 20"
           "4CCD089B28FF96DA9DB6C346EC114E0F5B8A319F35ABA624DA8CF6ED4FB8A6FB",
           "9000");
    expect(t, "00 47 8100 02 B600 00",
           "7F49 22 86 20 3D4017C3E843895A92B70AA74D1B7EBC9C982CCF2EC4968CC0CD55F12AF4660C 9000");
    token_free(&t);
}

/* RFC 5903 §8.1 */
#define P256_SECRET "C88F01F510D9AC3F70A292DAA2316DE544E9AAB8AFE84049C62A9C57862D1433"
#define P256_PUBLIC                                                                                \
    "04 DAD0B65394221CF9B051E1FECA5787D098DFE637FC90B9EF945D0C37725811805271A0461CDB8252D61F1C456" \
    "FA3E59AB1F45B33ACCF5F58389E0577B8990BB3"

static void weierstrass_key_may_bring_its_point(void **state)
{
    struct token *t = new_admin();

    (void)state;
    expect(t, ECC_SIGN_P256, "9000");
    expect(t, "00 DB 3FFF 6F 4D6D B600 7F48 04 9220 9941 5F48 61" P256_SECRET P256_PUBLIC, "9000");
    expect(t, "00 47 8100 02 B600 00", "7F49 43 86 41" P256_PUBLIC "9000");
    token_free(&t);
}

static void short_secret_number_is_padded(void **state)
{
    struct token *t = new_admin();

    (void)state;
    /* The base point of P-256 is the public key of 1 (FIPS 186-4 D.1.2.3). */
    expect(t, ECC_SIGN_P256, "9000");
    expect(t, "00 DB 3FFF 0D 4D0B B600 7F48 02 9201 5F48 01 01", "9000");
    expect(t, "00 47 8100 02 B600 00",
           "7F49 43 86 41 04 6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296"
           "4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5 9000");
    token_free(&t);
}

static void secret_number_outside_its_range_is_refused(void **state)
{
    struct token *t = new_admin();

    (void)state;
    expect(t, ECC_SIGN_P256, "9000");
    expect(t, "00 DB 3FFF 0D 4D0B B600 7F48 02 9201 5F48 01 00", "6A80");
    /* the order of the curve */
    expect(t,
           "00 DB 3FFF 2C 4D2A B600 7F48 02 9220 5F48 20"
           "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551",
           "6A80");
    /* 33 octets */
    expect(t,
           "00 DB 3FFF 2D 4D2B B600 7F48 02 9221 5F48 21"
           "01C88F01F510D9AC3F70A292DAA2316DE544E9AAB8AFE84049C62A9C57862D1433",
           "6A80");
    expect(t, "00 DB 3FFF 0C 4D0A B600 7F48 02 9200 5F48 00", "6A80");
    expect(t, "00 CA 00DE 00", "010002000300 9000");
    token_free(&t);
}

static void attributes_are_checked(void **state)
{
    static const char *const wrong[] = {
        "00 DA 00C1",                                       /* nothing */
        "00 DA 00C1 06 010400002000",                       /* RSA of 1024 bits */
        "00 DA 00C1 05 0108000020",                         /* without a form */
        "00 DA 00C1 06 010800002004",                       /* unknown form */
        "00 DA 00C1 06 010800001000",                       /* exponent too short */
        "00 DA 00C1 09 12 2A8648CE3D030107",                /* ECDH to sign */
        "00 DA 00C2 09 13 2A8648CE3D030107",                /* ECDSA to decipher */
        "00 DA 00C2 0A 16 2B06010401DA470F01",              /* EdDSA to decipher */
        "00 DA 00C1 0A 13 2B06010401DA470F01",              /* ECDSA on Ed25519 */
        "00 DA 00C2 0A 12 2B06010401DA470F01",              /* ECDH on Ed25519 */
        "00 DA 00C1 0B 16 2B060104019755010501",            /* EdDSA on Curve25519 */
        "00 DA 00C1 09 13 2A8648CE3D030108",                /* unknown curve */
        "00 DA 00C1 01 13",                                 /* no curve */
        "00 DA 00C1 09 14 2A8648CE3D030107",                /* unknown algorithm */
        "00 DA 00C1 11 132A8648CE3D030107FFFFFFFFFFFFFFFF", /* too long */
    };
    struct token *t = new_admin();

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        expect(t, wrong[i], "6A80");
    expect(t, "00 CA 00C1 00", "010800002000 9000");
    expect(t, "00 20 FF83", "9000");
    expect(t, ECC_SIGN_P256, "6982");
    token_free(&t);
}

static void listed_attributes_can_be_set(void **state)
{
    struct buffer list = BUFFER(1024), command = BUFFER(64), answer = BUFFER(16);
    struct token *t = new_admin();
    size_t i = 0;

    (void)state;
    exchange_send(t, "00 CA 00FA 000000", &list);
    while (i + 2 < list.len) {
        const uint8_t head[] = { 0x00, 0xDA, 0x00 };

        buffer_clear(&command);
        assert_int_equal(buffer_append(&command, head, sizeof head), 0);
        assert_int_equal(buffer_append(&command, list.data + i, 2 + (size_t)list.data[i + 1]), 0);
        token_command(t, buffer_view(&command), &answer);
        assert_memory_equal(answer.data, "\x90\x00", 2);
        i += 2 + (size_t)list.data[i + 1];
    }
    assert_int_equal(i, list.len - 2);
    /* 3 sizes of RSA and 7 curves in each slot, Ed25519 in two, Curve25519 and X448 in one */
    assert_int_equal(list.len - 2, (3 * 8 + 11 + 2 * 8 + 3 * 12 + 8) * 3 + 2 * 12 + 13 + 6);
    buffer_free(&list);
    buffer_free(&command);
    buffer_free(&answer);
    token_free(&t);
}

static void other_attributes_take_the_key_away(void **state)
{
    struct token *t = new_admin();

    (void)state;
    expect(t, RSA_IMPORT("B800"), "9000");
    expect(t, "00 DA 00C8 14 000102030405060708090A0B0C0D0E0F10111213", "9000");
    expect(t, "00 DA 00C2 06 010800002000", "9000");
    expect(t, "00 CA 00DE 00", "010002020300 9000");
    expect(t, "00 DA 00C2 06 010C00002000", "9000");
    expect(t, "00 CA 00DE 00", "010002000300 9000");
    expect(t, "00 47 8100 00 0002 B800 0000", "6A88");
    expect(t, VERIFY_OTHER, "9000");
    expect(t, "00 2A 8086 01 00 00", "6A88");
    token_free(&t);
}

static void attributes_keep_their_public_key_mark(void **state)
{
    struct token *t = new_admin();

    (void)state;
    expect(t, "00 DA 00C1 0A 13 2A8648CE3D030107 FF", "9000");
    expect(t, "00 CA 00C1 00", "132A8648CE3D030107FF 9000");
    token_free(&t);
}

static void generation_is_the_admins(void **state)
{
    struct token *t = exchange_new();

    (void)state;
    expect(t, VERIFY_OTHER, "9000");
    expect(t, "00 47 8000 02 B600 00", "6982");
    token_free(&t);
}

/* The signature counter belongs to the key: another key starts at 0. */
static void generated_key_is_new_and_counts_from_zero(void **state)
{
    struct buffer first = BUFFER(128), second = BUFFER(128);
    struct token *t = new_admin();

    (void)state;
    expect(t, ECC_SIGN_25519, "9000");
    exchange_send(t, "00 47 8000 02 B600 00", &first);
    assert_int_equal(first.len, 3 + 2 + 32 + 2);
    assert_memory_equal(first.data, "\x7F\x49\x22\x86\x20", 5);
    expect(t, VERIFY_SIGN, "9000");
    exchange_send(t, "00 2A 9E9A 01 72 00", &second);
    assert_int_equal(second.len, 66);
    expect(t, "00 CA 0093 00", "000001 9000");
    exchange_send(t, "00 47 8000 02 B600 00", &second);
    assert_memory_not_equal(first.data, second.data, first.len);
    expect(t, "00 CA 0093 00", "000000 9000");
    expect(t, "00 CA 00DE 00", "010102000300 9000");
    exchange_send(t, "00 47 8100 02 B600 00", &first);
    assert_memory_equal(first.data, second.data, first.len);
    buffer_free(&first);
    buffer_free(&second);
    token_free(&t);
}

static void rsa_keys_are_generated_where_allowed(void **state)
{
    struct buffer answer = BUFFER(1024);
    struct token_options o;
    struct token *t = new_admin();

    (void)state;
    exchange_send(t, "00 47 8000 00 0002 B800 0000", &answer);
    assert_int_equal(answer.len, 5 + 4 + 256 + 2 + 3 + 2);
    assert_memory_equal(answer.data, "\x7F\x49\x82\x01\x09\x81\x82\x01\x00", 9);
    assert_memory_equal(answer.data + 265, "\x82\x03\x01\x00\x01\x90\x00", 7);
    assert_true(answer.data[9] & 0x80);
    token_free(&t);
    token_default_options(&o);
    o.generate_rsa = false;
    t = exchange_new_with(&o);
    expect(t, VERIFY_ADMIN, "9000");
    expect(t, "00 47 8000 00 0002 B800 0000", "6A81");
    buffer_free(&answer);
    token_free(&t);
}

static void every_listed_curve_generates(void **state)
{
    static const struct {
        const char *attributes;
        size_t point;
    } curves[] = {
        { "00 DA 00C2 09 12 2A8648CE3D030107", 65 },
        { "00 DA 00C2 06 12 2B81040022", 97 },
        { "00 DA 00C2 06 12 2B81040023", 133 },
        { "00 DA 00C2 06 12 2B8104000A", 65 },
        { "00 DA 00C2 0A 12 2B2403030208010107", 65 },
        { "00 DA 00C2 0A 12 2B240303020801010B", 97 },
        { "00 DA 00C2 0A 12 2B240303020801010D", 129 },
        { ECC_DECRYPT_25519, 32 },
        { "00 DA 00C2 04 12 2B656F", 56 },
    };
    struct buffer answer = BUFFER(512);
    struct token *t = new_admin();

    (void)state;
    for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++) {
        expect(t, curves[i].attributes, "9000");
        exchange_send(t, "00 47 8000 02 B800 00", &answer);
        assert_true(answer.len > curves[i].point + 2);
        assert_memory_equal(answer.data + answer.len - 2, "\x90\x00", 2);
        assert_int_equal(answer.data[answer.len - 2 - curves[i].point - 1], curves[i].point);
    }
    buffer_free(&answer);
    token_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_slots_are_6a88),
        cmocka_unit_test(wrong_references_are_refused),
        cmocka_unit_test(rsa_key_is_imported_and_read),
        cmocka_unit_test(order_of_primes_does_not_matter),
        cmocka_unit_test(what_the_card_works_out_itself_may_come_along),
        cmocka_unit_test(rsa_numbers_that_are_no_key_are_refused),
        cmocka_unit_test(malformed_header_lists_are_refused),
        cmocka_unit_test(curve25519_key_is_imported_and_read),
        cmocka_unit_test(ed25519_key_is_imported_and_read),
        cmocka_unit_test(weierstrass_key_may_bring_its_point),
        cmocka_unit_test(short_secret_number_is_padded),
        cmocka_unit_test(secret_number_outside_its_range_is_refused),
        cmocka_unit_test(attributes_are_checked),
        cmocka_unit_test(listed_attributes_can_be_set),
        cmocka_unit_test(other_attributes_take_the_key_away),
        cmocka_unit_test(attributes_keep_their_public_key_mark),
        cmocka_unit_test(generation_is_the_admins),
        cmocka_unit_test(generated_key_is_new_and_counts_from_zero),
        cmocka_unit_test(rsa_keys_are_generated_where_allowed),
        cmocka_unit_test(every_listed_curve_generates),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
