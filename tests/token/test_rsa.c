/* DECIPHER, COMPUTE DIGITAL SIGNATURE and INTERNAL AUTHENTICATE with an RSA key of OpenSSL's. */
#include "tests/token/exchange.h"
#include "tests/token/rsa_key.h"

#include <stdio.h>

#define IMPORT(crt)                                                                                \
    "00 DB 3FFF 00 0119 4D 820115" crt "7F48 08 9103 928180 938180 5F48 820103 010001" RSA_P RSA_Q

/* 09, 32 octets, their sum */
#define SESSION_KEY "09 000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F 01F0"

/* RFC 8017 §9.2, note 1: SHA-256 */
#define DIGEST_INFO                                                                                \
    "3031300D060960864801650304020105000420"                                                       \
    "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F"

#define TEN_OCTETS   "00000000000000000000"
#define FIFTY_OCTETS TEN_OCTETS TEN_OCTETS TEN_OCTETS TEN_OCTETS TEN_OCTETS
/* more than 40 % of 256 */
#define HUNDRED_AND_THREE FIFTY_OCTETS FIFTY_OCTETS "000000"

static struct token *new_with_key(const char *import)
{
    struct token *t = exchange_new();

    expect(t, VERIFY_ADMIN, "9000");
    expect(t, import, "9000");
    return t;
}

static void ciphertext_is_unpadded(void **state)
{
    struct token *t = new_with_key(IMPORT("B800"));

    (void)state;
    expect(t, VERIFY_OTHER, "9000");
    expect(t, "00 2A 8086 00 0101 00" RSA_CIPHERTEXT "0000", SESSION_KEY "9000");
    token_free(&t);
}

static void decipher_needs_pw1_82(void **state)
{
    struct token *t = new_with_key(IMPORT("B800"));

    (void)state;
    expect(t, "00 2A 8086 00 0101 00" RSA_CIPHERTEXT "0000", "6982");
    expect(t, VERIFY_SIGN, "9000");
    expect(t, "00 2A 8086 00 0101 00" RSA_CIPHERTEXT "0000", "6982");
    expect(t, VERIFY_OTHER, "9000");
    expect(t, "00 2A 8086 00 0101 00" RSA_CIPHERTEXT "0000", SESSION_KEY "9000");
    expect(t, "00 2A 8086 00 0101 00" RSA_CIPHERTEXT "0000", SESSION_KEY "9000");
    expect(t, "00 20 FF82", "9000");
    expect(t, "00 2A 8086 00 0101 00" RSA_CIPHERTEXT "0000", "6982");
    token_free(&t);
}

/* As hosts without extended length send it. */
static void ciphertext_may_come_in_a_chain(void **state)
{
    static const char ciphertext[] = "00" RSA_CIPHERTEXT;
    struct token *t = new_with_key(IMPORT("B800"));
    char first[600], last[600];

    (void)state;
    expect(t, VERIFY_OTHER, "9000");
    snprintf(first, sizeof first, "10 2A 8086 FE %.508s", ciphertext);
    snprintf(last, sizeof last, "00 2A 8086 03 %s 00", ciphertext + 508);
    expect(t, first, "9000");
    expect(t, last, SESSION_KEY "9000");
    token_free(&t);
}

static void bad_padding_is_one_error(void **state)
{
    struct token *t = new_with_key(IMPORT("B800"));

    (void)state;
    expect(t, VERIFY_OTHER, "9000");
    expect(t, "00 2A 8086 00 0101 00" RSA_SHORT_PADDING "0000", "6A80");
    expect(t, "00 2A 8086 00 0101 00" RSA_NO_SEPARATOR "0000", "6A80");
    expect(t, "00 2A 8086 00 0101 00" RSA_TYPE_1 "0000", "6A80");
    token_free(&t);
}

static void ciphertext_of_another_form_is_refused(void **state)
{
    struct token *t = new_with_key(IMPORT("B800"));

    (void)state;
    expect(t, VERIFY_OTHER, "9000");
    expect(t, "00 2A 8086 00", "6700");
    expect(t, "00 2A 8086 01 00 00", "6700");
    expect(t, "00 2A 8086 00 0100" RSA_CIPHERTEXT "0000", "6700");
    expect(t, "00 2A 8086 00 0102 0000" RSA_CIPHERTEXT "0000", "6700");
    expect(t, "00 2A 8086 00 0101 01" RSA_CIPHERTEXT "0000", "6A80");
    expect(t, "00 2A 8086 00 0101 00" RSA_CIPHERTEXT, "6700");
    expect(t, "00 2A 8087 00 0101 00" RSA_CIPHERTEXT "0000", "6B00");
    token_free(&t);
}

static void signature_is_that_of_openssl(void **state)
{
    struct token *t = new_with_key(IMPORT("B600"));

    (void)state;
    expect(t, VERIFY_SIGN, "9000");
    expect(t, "00 2A 9E9A 00 0033" DIGEST_INFO "0000", RSA_SIGNATURE "9000");
    token_free(&t);
}

static void signature_uses_pw1_81_up(void **state)
{
    struct token *t = new_with_key(IMPORT("B600"));

    (void)state;
    expect(t, "00 2A 9E9A 00 0033" DIGEST_INFO "0000", "6982");
    expect(t, VERIFY_OTHER, "9000");
    expect(t, "00 2A 9E9A 00 0033" DIGEST_INFO "0000", "6982");
    expect(t, VERIFY_SIGN, "9000");
    expect(t, "00 2A 9E9A 00 0033" DIGEST_INFO "0000", RSA_SIGNATURE "9000");
    expect(t, "00 2A 9E9A 00 0033" DIGEST_INFO "0000", "6982");
    expect(t, "00 20 0082", "9000");
    expect(t, "00 CA 007A 00", "9303000001 9000");
    token_free(&t);
}

static void pw1_81_may_be_for_several_signatures(void **state)
{
    struct token *t = new_with_key(IMPORT("B600"));

    (void)state;
    expect(t, "00 DA 00C4 01 01", "9000");
    expect(t, VERIFY_SIGN, "9000");
    expect(t, "00 2A 9E9A 00 0033" DIGEST_INFO "0000", RSA_SIGNATURE "9000");
    expect(t, "00 2A 9E9A 00 0033" DIGEST_INFO "0000", RSA_SIGNATURE "9000");
    expect(t, "00 CA 0093 00", "000002 9000");
    token_free(&t);
}

static void failed_signature_counts_for_nothing(void **state)
{
    struct token *t = new_with_key(IMPORT("B600"));

    (void)state;
    expect(t, VERIFY_SIGN, "9000");
    expect(t, "00 2A 9E9A 00", "6700");
    expect(t, "00 2A 9E9A 67" HUNDRED_AND_THREE "00", "6700");
    expect(t, "00 20 0081", "9000");
    expect(t, "00 CA 0093 00", "000000 9000");
    token_free(&t);
}

static void imported_signature_key_starts_at_zero(void **state)
{
    struct token *t = new_with_key(IMPORT("B600"));

    (void)state;
    expect(t, VERIFY_SIGN, "9000");
    expect(t, "00 2A 9E9A 00 0033" DIGEST_INFO "0000", RSA_SIGNATURE "9000");
    expect(t, IMPORT("B800"), "9000");
    expect(t, "00 CA 0093 00", "000001 9000");
    expect(t, IMPORT("B600"), "9000");
    expect(t, "00 CA 0093 00", "000000 9000");
    token_free(&t);
}

static void authentication_signs_with_key_3(void **state)
{
    struct token *t = new_with_key(IMPORT("A400"));

    (void)state;
    expect(t, "00 88 0000 00 0033" DIGEST_INFO "0000", "6982");
    expect(t, VERIFY_OTHER, "9000");
    expect(t, "00 88 0000 00 0033" DIGEST_INFO "0000", RSA_SIGNATURE "9000");
    expect(t, "00 88 0000 00 0033" DIGEST_INFO "0000", RSA_SIGNATURE "9000");
    expect(t, "00 88 0100 00 0033" DIGEST_INFO "0000", "6B00");
    expect(t, "00 88 0000 00", "6700");
    expect(t, "00 CA 0093 00", "000000 9000");
    token_free(&t);
}

static void missing_keys_are_6a88(void **state)
{
    struct token *t = exchange_new();

    (void)state;
    expect(t, VERIFY_SIGN, "9000");
    expect(t, VERIFY_OTHER, "9000");
    expect(t, "00 2A 9E9A 00 0033" DIGEST_INFO "0000", "6A88");
    expect(t, "00 88 0000 00 0033" DIGEST_INFO "0000", "6A88");
    expect(t, "00 2A 8086 00 0101 00" RSA_CIPHERTEXT "0000", "6A88");
    token_free(&t);
}

/* Specification §7.2.18: keys 2 and 3 can stand in for each other until the next selection. */
static void keys_2_and_3_can_be_exchanged(void **state)
{
    struct token *t = new_with_key(IMPORT("A400"));

    (void)state;
    expect(t, VERIFY_OTHER, "9000");
    expect(t, "00 22 41B8 03 830103", "9000");
    expect(t, "00 2A 8086 00 0101 00" RSA_CIPHERTEXT "0000", SESSION_KEY "9000");
    expect(t, "00 22 41B8 03 830102", "9000");
    expect(t, "00 2A 8086 00 0101 00" RSA_CIPHERTEXT "0000", "6A88");
    expect(t, "00 22 41A4 03 830102", "9000");
    expect(t, "00 88 0000 00 0033" DIGEST_INFO "0000", "6A88");
    expect(t, SELECT_OPENPGP, "9000");
    expect(t, "00 88 0000 00 0033" DIGEST_INFO "0000", RSA_SIGNATURE "9000");
    token_free(&t);
}

static void environments_are_set_in_one_form_only(void **state)
{
    struct token *t = exchange_new();

    (void)state;
    expect(t, "00 22 41B6 03 830101", "6B00");
    expect(t, "00 22 81B8 03 830102", "6B00");
    expect(t, "00 22 41B8 03 830101", "6A80");
    expect(t, "00 22 41B8 03 840102", "6A80");
    expect(t, "00 22 41B8 02 8301", "6700");
    expect(t, "00 22 41B8", "6700");
    token_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ciphertext_is_unpadded),
        cmocka_unit_test(decipher_needs_pw1_82),
        cmocka_unit_test(ciphertext_may_come_in_a_chain),
        cmocka_unit_test(bad_padding_is_one_error),
        cmocka_unit_test(ciphertext_of_another_form_is_refused),
        cmocka_unit_test(signature_is_that_of_openssl),
        cmocka_unit_test(signature_uses_pw1_81_up),
        cmocka_unit_test(pw1_81_may_be_for_several_signatures),
        cmocka_unit_test(failed_signature_counts_for_nothing),
        cmocka_unit_test(imported_signature_key_starts_at_zero),
        cmocka_unit_test(authentication_signs_with_key_3),
        cmocka_unit_test(missing_keys_are_6a88),
        cmocka_unit_test(keys_2_and_3_can_be_exchanged),
        cmocka_unit_test(environments_are_set_in_one_form_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
