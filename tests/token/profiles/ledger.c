#include "tests/token/profiles/profile.h"

/* A touch is waited for on its screen, for as long as it takes. */
const struct token_profile token_profile_ledger = {
    .name = "ledger",
    .device = "Ledger Nano X, OpenPGP app (OpenPGP 3.3)",
    .version = 0x0303,
    .manufacturer = 0x2C97,
    .historical = "0031C573C0018000000000007F9000",
    .atr = "3B00",
    .capabilities = "7E0000FE0A0002000001",
    .command_chaining = true,
    .get_response = true,
    .command_max = 0x00FE,
    .response_max = 0x00FE,
    .block_max = 254,
    .answer_max = 254,
    .in_application_related = PROFILE_TAGS(0x4F, 0x5F52, 0x7F66, 0x73),
    .in_discretionary = PROFILE_TAGS(0xC0, 0xC1, 0xC2, 0xC3, 0xC4, 0xC5, 0xC6, 0xCD),
    .hidden = PROFILE_TAGS(0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xCD, 0xDE, 0xFA, 0x7F74),
    .password_max = 12,
    .several_signatures = true,
    .algorithms = PROFILE_ALGORITHMS(PROFILE_RSA_2048, PROFILE_RSA_3072, PROFILE_RSA_4096,
                                     PROFILE_P_256, PROFILE_ED_25519, PROFILE_CURVE_25519),
    .rsa_exponent_bits = 32,
    .rsa_format = 1,
    .button = true,
    .uif_max = 2,
};
