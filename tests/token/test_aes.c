/* ENCIPHER and DECIPHER with the AES key of DO D5. */
#include "tests/token/exchange.h"

/* FIPS 197 appendix C: one block, so that CBC with a vector of zeros is the block itself. */
static void aes_agrees_with_fips_197(void **state)
{
    struct token *t = exchange_new();

    (void)state;
    expect(t, VERIFY_ADMIN, "9000");
    expect(t, "00 DA 00D5 10 000102030405060708090A0B0C0D0E0F", "9000");
    expect(t, "00 2A 8680 10 00112233445566778899AABBCCDDEEFF 00", "6982");
    expect(t, VERIFY_OTHER, "9000");
    expect(t, "00 2A 8680 10 00112233445566778899AABBCCDDEEFF 00",
           "02 69C4E0D86A7B0430D8CDB78070B4C55A 9000");
    expect(t, "00 2A 8086 11 02 69C4E0D86A7B0430D8CDB78070B4C55A 00",
           "00112233445566778899AABBCCDDEEFF 9000");
    expect(t, "00 DA 00D5 20 000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F",
           "9000");
    expect(t, "00 2A 8086 11 02 8EA2B7CA516745BFEAFC49904B496089 00",
           "00112233445566778899AABBCCDDEEFF 9000");
    token_free(&t);
}

/* NIST SP 800-38A F.1.1: blocks 1 and 2 of ECB; the second is given with the first one's ciphertext
 * added, which is what CBC takes away again. */
static void aes_blocks_are_chained(void **state)
{
    struct token *t = exchange_new();

    (void)state;
    expect(t, VERIFY_ADMIN, "9000");
    expect(t, "00 DA 00D5 10 2B7E151628AED2A6ABF7158809CF4F3C", "9000");
    expect(t, VERIFY_OTHER, "9000");
    expect(t,
           "00 2A 8680 20 6BC1BEE22E409F96E93D7E117393172A"
           "94FAF1E313799AFC3629A55F61C961C6 00",
           "02 3AD77BB40D7A3660A89ECAF32466EF97 F5D3D58503B9699DE785895A96FDBAAF 9000");
    token_free(&t);
}

static void aes_wants_a_key_and_whole_blocks(void **state)
{
    struct token *t = exchange_new();

    (void)state;
    expect(t, VERIFY_OTHER, "9000");
    expect(t, "00 2A 8680 10 00112233445566778899AABBCCDDEEFF 00", "6A88");
    expect(t, "00 2A 8086 11 02 00112233445566778899AABBCCDDEEFF 00", "6A88");
    expect(t, VERIFY_ADMIN, "9000");
    expect(t, "00 DA 00D5 10 000102030405060708090A0B0C0D0E0F", "9000");
    expect(t, "00 2A 8680 0F 00112233445566778899AABBCCDDEE 00", "6700");
    expect(t, "00 2A 8086 01 02 00", "6700");
    expect(t, "00 DA 00D5", "9000");
    expect(t, "00 2A 8680 10 00112233445566778899AABBCCDDEEFF 00", "6A88");
    token_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aes_agrees_with_fips_197),
        cmocka_unit_test(aes_blocks_are_chained),
        cmocka_unit_test(aes_wants_a_key_and_whole_blocks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
