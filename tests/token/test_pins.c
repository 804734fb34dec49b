/* Passwords: states, tries, changes, the resetting code, the KDF. */
#include "tests/token/exchange.h"

#define WRONG_OTHER "00 20 0082 06 303030303030"
#define WRONG_ADMIN "00 20 0083 08 3030303030303030"

static void the_two_states_of_pw1_are_apart(void **state)
{
    struct token *t = exchange_new();

    (void)state;
    expect(t, "00 20 0081", "63C3");
    expect(t, VERIFY_SIGN, "9000");
    expect(t, "00 20 0081", "9000");
    expect(t, "00 20 0082", "63C3");
    expect(t, VERIFY_OTHER, "9000");
    expect(t, "00 20 0082", "9000");
    expect(t, "00 20 FF81", "9000");
    expect(t, "00 20 0081", "63C3");
    expect(t, "00 20 0082", "9000");
    token_free(&t);
}

static void wrong_pins_count_down_to_blocked(void **state)
{
    struct token *t = exchange_new();

    (void)state;
    expect(t, VERIFY_SIGN, "9000");
    expect(t, WRONG_OTHER, "6982");
    expect(t, "00 20 0082", "63C2");
    expect(t, "00 CA 00C4 00", "007F7F7F020003 9000");
    expect(t, WRONG_OTHER, "6982");
    expect(t, WRONG_OTHER, "6982");
    expect(t, WRONG_OTHER, "6983");
    expect(t, VERIFY_OTHER, "6983");
    expect(t, "00 CA 00C4 00", "007F7F7F000003 9000");
    /* Both states are of one PIN. */
    expect(t, "00 20 0081", "63C0");
    expect(t, VERIFY_SIGN, "6983");
    token_free(&t);
}

static void right_pin_gives_the_tries_back(void **state)
{
    struct token *t = exchange_new();

    (void)state;
    expect(t, WRONG_ADMIN, "6982");
    expect(t, WRONG_ADMIN, "6982");
    expect(t, "00 20 0083", "63C1");
    expect(t, VERIFY_ADMIN, "9000");
    expect(t, "00 CA 00C4 00", "007F7F7F030003 9000");
    expect(t, WRONG_ADMIN, "6982");
    expect(t, "00 20 0083", "63C2");
    token_free(&t);
}

static void wrong_pin_ends_the_verified_state(void **state)
{
    struct token *t = exchange_new();

    (void)state;
    expect(t, VERIFY_OTHER, "9000");
    expect(t, WRONG_OTHER, "6982");
    expect(t, "00 20 0082", "63C2");
    token_free(&t);
}

static void impossible_lengths_cost_no_try(void **state)
{
    struct token *t = exchange_new();

    (void)state;
    expect(t, "00 20 0082 05 3132333435", "6700");
    expect(t, "00 20 0083 07 31323334353637", "6700");
    expect(t, "00 CA 00C4 00", "007F7F7F030003 9000");
    token_free(&t);
}

static void wrong_references_are_6b00(void **state)
{
    struct token *t = exchange_new();

    (void)state;
    expect(t, "00 20 0080 06 313233343536", "6B00");
    expect(t, "00 20 0084 06 313233343536", "6B00");
    expect(t, "00 20 0182 06 313233343536", "6B00");
    expect(t, "00 20 FF82 06 313233343536", "6700");
    expect(t, "00 24 0082 0C 313233343536363534333231", "6B00");
    expect(t, "00 24 0181 0C 313233343536363534333231", "6B00");
    expect(t, "00 2C 0082 06 363534333231", "6B00");
    expect(t, "00 2C 0181 06 363534333231", "6B00");
    token_free(&t);
}

static void pin_is_changed_with_the_old_one(void **state)
{
    struct token *t = exchange_new();

    (void)state;
    expect(t, "00 24 0081 0D 313233343536 36353433323130", "9000");
    expect(t, VERIFY_OTHER, "6982");
    expect(t, "00 20 0082 07 36353433323130", "9000");
    expect(t, "00 24 0083 10 3132333435363738 3837363534333231", "9000");
    expect(t, VERIFY_ADMIN, "6982");
    expect(t, "00 20 0083 08 3837363534333231", "9000");
    token_free(&t);
}

static void change_with_a_wrong_old_pin_costs_a_try(void **state)
{
    struct token *t = exchange_new();

    (void)state;
    expect(t, "00 24 0081 0C 303030303030 363534333231", "6982");
    expect(t, "00 24 0081 03 303030", "6982");
    expect(t, "00 20 0081", "63C1");
    expect(t, "00 24 0081", "6700");
    expect(t, "00 24 0081 0C 303030303030 363534333231", "6982");
    expect(t, "00 24 0081 0C 313233343536 363534333231", "6983");
    token_free(&t);
}

static void new_pin_of_a_bad_length_is_refused(void **state)
{
    struct token *t = exchange_new();

    (void)state;
    expect(t, "00 24 0081 0B 313233343536 3635343332", "6A80");
    expect(t, "00 24 0083 0F 3132333435363738 38373635343332", "6A80");
    expect(t, VERIFY_OTHER, "9000");
    expect(t, VERIFY_ADMIN, "9000");
    token_free(&t);
}

/* The card can't know where the old PIN ends: what was typed too much begins the new one. */
static void tail_of_the_old_pin_goes_to_the_new_one(void **state)
{
    struct token *t = exchange_new();

    (void)state;
    expect(t, "00 24 0081 0D 31323334353637 363534333231", "9000");
    expect(t, "00 20 0082 07 37363534333231", "9000");
    token_free(&t);
}

static void admin_unblocks_the_pin(void **state)
{
    struct token *t = exchange_new();

    (void)state;
    for (int i = 0; i < 3; i++)
        expect(t, WRONG_OTHER, "6982");
    expect(t, "00 2C 0281 06 363534333231", "6982");
    expect(t, VERIFY_ADMIN, "9000");
    expect(t, "00 2C 0281", "6700");
    expect(t, "00 2C 0281 05 3635343332", "6A80");
    expect(t, "00 2C 0281 06 363534333231", "9000");
    expect(t, "00 CA 00C4 00", "007F7F7F030003 9000");
    expect(t, "00 20 0082 06 363534333231", "9000");
    token_free(&t);
}

static void resetting_code_unblocks_the_pin(void **state)
{
    struct token *t = exchange_new();

    (void)state;
    expect(t, "00 2C 0081 0E 3939393939393939 363534333231", "6983");
    expect(t, "00 DA 00D3 08 3939393939393939", "6982");
    expect(t, VERIFY_ADMIN, "9000");
    expect(t, "00 DA 00D3 07 39393939393939", "6700");
    expect(t, "00 DA 00D3 08 3939393939393939", "9000");
    expect(t, "00 CA 00C4 00", "007F7F7F030303 9000");
    expect(t, "00 20 FF83", "9000");
    expect(t, "00 2C 0081 0E 3838383838383838 363534333231", "6982");
    expect(t, "00 CA 00C4 00", "007F7F7F030203 9000");
    expect(t, "00 2C 0081 0D 3939393939393939 3635343332", "6A80");
    expect(t, "00 2C 0081 0E 3939393939393939 363534333231", "9000");
    expect(t, "00 20 0082 06 363534333231", "9000");
    expect(t, "00 CA 00C4 00", "007F7F7F030303 9000");
    token_free(&t);
}

static void resetting_code_is_blocked_and_taken_away(void **state)
{
    struct token *t = exchange_new();

    (void)state;
    expect(t, VERIFY_ADMIN, "9000");
    expect(t, "00 DA 00D3 08 3939393939393939", "9000");
    for (int i = 0; i < 3; i++)
        expect(t, "00 2C 0081 0E 3838383838383838 363534333231", "6982");
    expect(t, "00 2C 0081 0E 3939393939393939 363534333231", "6983");
    expect(t, "00 DA 00D3 08 3939393939393939", "9000");
    expect(t, "00 CA 00C4 00", "007F7F7F030303 9000");
    expect(t, "00 DA 00D3", "9000");
    expect(t, "00 CA 00C4 00", "007F7F7F030003 9000");
    expect(t, "00 CA 00D3 00", "6A88");
    token_free(&t);
}

static void pw_status_octet_is_the_admins(void **state)
{
    struct token *t = exchange_new();

    (void)state;
    expect(t, "00 DA 00C4 01 01", "6982");
    expect(t, VERIFY_ADMIN, "9000");
    expect(t, "00 DA 00C4 01 02", "6A80");
    expect(t, "00 DA 00C4 02 0101", "6700");
    expect(t, "00 DA 00C4 04 01FF7F7F", "6A80");
    expect(t, "00 DA 00C4 04 017F7F7F", "9000");
    expect(t, "00 CA 00C4 00", "017F7F7F030003 9000");
    expect(t, "00 DA 00C4 01 00", "9000");
    expect(t, "00 CA 00C4 00", "007F7F7F030003 9000");
    token_free(&t);
}

/* Digests of the default PINs with the salts and the count of the specification's example. */
#define KDF_SALTS                                                                                  \
    "81 01 03 82 01 08 83 04 000186A0 84 08 3031323334353637"                                      \
    "85 08 3132333435363738 86 08 4142434445464748"
#define KDF_PW1 "773784A602B6C81E3F092F4D7D00E17CC822D88F7360FCF2D2EF2D9D901F44B6"
#define KDF_PW3 "2675D6164A0D4827D1D00C7EEA620D015C00030A1CAB38B4D0DD600B27DC9630"

static void kdf_makes_pins_digests(void **state)
{
    struct token *t = exchange_new();

    (void)state;
    expect(t, "00 CA 00F9 00", "810100 9000");
    expect(t, "00 DA 00F9 6E" KDF_SALTS "87 20" KDF_PW1 "88 20" KDF_PW3, "6982");
    expect(t, VERIFY_ADMIN, "9000");
    expect(t, "00 DA 00F9 6E" KDF_SALTS "87 20" KDF_PW1 "88 20" KDF_PW3, "9000");
    expect(t, "00 CA 00F9 00", KDF_SALTS "87 20" KDF_PW1 "88 20" KDF_PW3 "9000");
    expect(t, VERIFY_OTHER, "6700");
    expect(t, "00 20 0082 20" KDF_PW1, "9000");
    expect(t, "00 20 0083 20" KDF_PW3, "9000");
    expect(t, "00 20 0082 20" KDF_PW3, "6982");
    token_free(&t);
}

static void kdf_change_takes_digests_of_one_length(void **state)
{
    struct token *t = exchange_new();

    (void)state;
    expect(t, VERIFY_ADMIN, "9000");
    expect(t, "00 DA 00F9 6E" KDF_SALTS "87 20" KDF_PW1 "88 20" KDF_PW3, "9000");
    expect(t, "00 24 0081 26" KDF_PW1 "363534333231", "6A80");
    expect(t, "00 24 0081 40" KDF_PW1 KDF_PW3, "9000");
    expect(t, "00 20 0082 20" KDF_PW3, "9000");
    expect(t, "00 2C 0281 06 363534333231", "6A80");
    expect(t, "00 2C 0281 20" KDF_PW1, "9000");
    expect(t, "00 DA 00D3 08 3939393939393939", "6700");
    token_free(&t);
}

static void kdf_switched_off_brings_the_default_pins_back(void **state)
{
    struct token *t = exchange_new();

    (void)state;
    expect(t, VERIFY_ADMIN, "9000");
    expect(t, "00 DA 00F9 6E" KDF_SALTS "87 20" KDF_PW1 "88 20" KDF_PW3, "9000");
    expect(t, "00 20 0083 20" KDF_PW3, "9000");
    expect(t, "00 DA 00F9 03 810100", "9000");
    expect(t, VERIFY_OTHER, "9000");
    expect(t, VERIFY_ADMIN, "9000");
    expect(t, "00 CA 00F9 00", "810100 9000");
    expect(t, "00 DA 00F9", "9000");
    expect(t, "00 CA 00F9 00", "810100 9000");
    token_free(&t);
}

/* GnuPG's form with one salt for all PINs: 90 octets. */
static void kdf_with_a_single_salt_is_accepted(void **state)
{
    struct token *t = exchange_new();

    (void)state;
    expect(t, VERIFY_ADMIN, "9000");
    expect(t,
           "00 DA 00F9 5A 81 01 03 82 01 08 83 04 000186A0 84 08 3031323334353637"
           "87 20" KDF_PW1 "88 20" KDF_PW3,
           "9000");
    expect(t, "00 20 0081 20" KDF_PW1, "9000");
    token_free(&t);
}

/* SHA-512 of the same salt and PIN; the admin's digest is of no PIN at all, only as long. */
#define KDF_SHA512_PW1                                                                             \
    "9CB102D4452E431F9338C837AC67D713794D3CA93B03D53F9E08216A83B61EC6"                             \
    "C0FCAE8F416CB8AD7D180A46DAB0C48E7E6A5F2A533D62555FD66F99F0DCE34F"

static void kdf_with_sha_512_has_longer_digests(void **state)
{
    struct token *t = exchange_new();

    (void)state;
    expect(t, VERIFY_ADMIN, "9000");
    expect(t,
           "00 DA 00F9 9A 81 01 03 82 01 0A 83 04 000186A0 84 08 3031323334353637"
           "87 40" KDF_SHA512_PW1 "88 40" KDF_PW1 KDF_PW3,
           "9000");
    expect(t, "00 20 0082 20" KDF_PW1, "6700");
    expect(t, "00 20 0082 40" KDF_SHA512_PW1, "9000");
    expect(t, "00 20 0083 40" KDF_PW1 KDF_PW3, "9000");
    token_free(&t);
}

static void malformed_kdf_is_refused(void **state)
{
    static const char *const wrong[] = {
        "00 DA 00F9 03 810101",                                          /* unknown algorithm */
        "00 DA 00F9 03 810103",                                          /* and nothing else */
        "00 DA 00F9 01 81",                                              /* no TLV */
        "00 DA 00F9 16 810103 820109 8304000186A0 84083031323334353637", /* unknown hash */
        "00 DA 00F9 15 810103 820108 8304000186A0 840730313233343536",   /* short salt */
        "00 DA 00F9 15 810103 820108 83030186A0 84083031323334353637",   /* short count */
        "00 DA 00F9 1A 810103 820108 8304000186A0 84083031323334353637 87020000",
    };
    struct token *t = exchange_new();

    (void)state;
    expect(t, VERIFY_ADMIN, "9000");
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        expect(t, wrong[i], "6A80");
    expect(t, "00 CA 00F9 00", "810100 9000");
    expect(t, VERIFY_OTHER, "9000");
    token_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_two_states_of_pw1_are_apart),
        cmocka_unit_test(wrong_pins_count_down_to_blocked),
        cmocka_unit_test(right_pin_gives_the_tries_back),
        cmocka_unit_test(wrong_pin_ends_the_verified_state),
        cmocka_unit_test(impossible_lengths_cost_no_try),
        cmocka_unit_test(wrong_references_are_6b00),
        cmocka_unit_test(pin_is_changed_with_the_old_one),
        cmocka_unit_test(change_with_a_wrong_old_pin_costs_a_try),
        cmocka_unit_test(new_pin_of_a_bad_length_is_refused),
        cmocka_unit_test(tail_of_the_old_pin_goes_to_the_new_one),
        cmocka_unit_test(admin_unblocks_the_pin),
        cmocka_unit_test(resetting_code_unblocks_the_pin),
        cmocka_unit_test(resetting_code_is_blocked_and_taken_away),
        cmocka_unit_test(pw_status_octet_is_the_admins),
        cmocka_unit_test(kdf_makes_pins_digests),
        cmocka_unit_test(kdf_change_takes_digests_of_one_length),
        cmocka_unit_test(kdf_switched_off_brings_the_default_pins_back),
        cmocka_unit_test(kdf_with_a_single_salt_is_accepted),
        cmocka_unit_test(kdf_with_sha_512_has_longer_digests),
        cmocka_unit_test(malformed_kdf_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
