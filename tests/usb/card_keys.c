#include "tests/usb/card_keys.h"

#include "tests/token/rsa_key.h"

#include <stddef.h>

#define WITH_DEFAULT_PINS                                                                          \
    "cardea-token 1\n"                                                                             \
    "pw1 313233343536\npw1-tries 03\npw3 3132333435363738\npw3-tries 03\n"                         \
    "sign-attributes 010800002000\n"
#define IMPORTED                                                                                   \
    "decrypt-origin 02\n"                                                                          \
    "decrypt-fingerprint 2222222222222222222222222222222222222222\n"
#define THE_END                                                                                    \
    "authenticate-attributes 010800002000\n"                                                       \
    "end\n"

/* RFC 7748 §6.1: Alice's secret, Bob's point, what they share. */
#define ALICE        "77076D0A7318A57D3C16C17251B26645DF4C2F87EBC0992AB177FBA51DB92C2A"
#define BOB_POINT    "DE9EDB7D7B7DC1B4D35B61C2ECE435373F8343C85B78674DADFC7E146F882B4F"
#define SHARED_25519 "4A5D9D5BA4CE2DE1728E3BF480350F25E07E21C947D19E3376F09B3C1E161742"

/* RFC 5903 §8.1: the initiator's secret, the responder's point, what they share. */
#define INITIATOR "C88F01F510D9AC3F70A292DAA2316DE544E9AAB8AFE84049C62A9C57862D1433"
#define RESPONDER_POINT                                                                            \
    "04 D12DFB5289C8D4F81208B70270398C342296970A0BCCB74C736FC7554494BF63"                          \
    "56FBF3CA366CC23E8157854C13C58D6AAC23F046ADA30F8353E74F33039872AB"
#define SHARED_P_256 "D6840F6B42F6EDAFD13116E0E12565202FEF8E9ECE7DCE03812464D04B9442DE"

/* tests/token/rsa_key.h */
#define RSA_PLAIN "09 000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F 01F0"

const struct card_key card_keys[] = {
    { .name = "Curve25519",
      .algorithm = PROFILE_CURVE_25519,
      .state = WITH_DEFAULT_PINS "decrypt-attributes 122B060104019755010501\n" IMPORTED
                                 "decrypt-d " ALICE "\n" THE_END,
      .ciphertext = BOB_POINT,
      .command = "A625 7F4922 8620" BOB_POINT,
      .secret = SHARED_25519 },
    { .name = "P-256",
      .algorithm = PROFILE_P_256,
      .state = WITH_DEFAULT_PINS "decrypt-attributes 122A8648CE3D030107\n" IMPORTED
                                 "decrypt-d " INITIATOR "\n" THE_END,
      .ciphertext = RESPONDER_POINT,
      .command = "A646 7F4943 8641" RESPONDER_POINT,
      .secret = SHARED_P_256 },
    { .name = "RSA 2048",
      .algorithm = PROFILE_RSA_2048,
      .state =
          WITH_DEFAULT_PINS "decrypt-attributes 010800001100\n" IMPORTED
                            "decrypt-e 010001\ndecrypt-p " RSA_P "\ndecrypt-q " RSA_Q "\n" THE_END,
      .ciphertext = RSA_CIPHERTEXT,
      .command = "00" RSA_CIPHERTEXT,
      .secret = RSA_PLAIN },
    { .name = NULL }
};

bool card_key_fits(const struct card_key *key, const struct token_profile *profile)
{
    for (const uint8_t *a = profile->algorithms; *a != PROFILE_END; a++)
        if (*a == key->algorithm)
            return true;
    return false;
}

const struct card_key *card_key_find(enum profile_algorithm algorithm)
{
    const struct card_key *key = card_keys;

    while (key->name && key->algorithm != algorithm)
        key++;
    return key->name ? key : NULL;
}
