/* No device: all that the specification has but secure messaging. */
#include "tests/token/profiles/profile.h"

const struct token_profile token_profile_generic = {
    .name = "generic",
    .device = "the card of the specification, version 3.4",
    .version = 0x0304,
    .manufacturer = 0xFF00, /* unmanaged serial numbers */
    .historical = "0031F573C001E0059000",
    .capabilities = "7F000400080000FF0001",
    .extended_length = true,
    .command_chaining = true,
    .get_response = true,
    .command_max = 3072,
    .response_max = 3072,
    .odd_get_data = true,
    .in_application_related = PROFILE_TAGS(0x4F, 0x5F52, 0x7F66, 0x7F74, 0x73),
    .in_discretionary =
        PROFILE_TAGS(0xC0, 0xC1, 0xC2, 0xC3, 0xC4, 0xC5, 0xC6, 0xCD, 0xDE, 0xD6, 0xD7, 0xD8),
    .password_max = 127,
    .algorithms = PROFILE_ALGORITHMS(
        PROFILE_RSA_2048, PROFILE_RSA_3072, PROFILE_RSA_4096, PROFILE_P_256, PROFILE_P_384,
        PROFILE_P_521, PROFILE_BRAINPOOL_256, PROFILE_BRAINPOOL_384, PROFILE_BRAINPOOL_512,
        PROFILE_SECP_256K1, PROFILE_CURVE_25519, PROFILE_X_448, PROFILE_ED_25519),
    .rsa_exponent_bits = 32,
    .button = true,
    .uif_max = 2,
};
