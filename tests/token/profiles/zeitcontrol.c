/* ZeitControl's cards, which are inside of the Nitrokey Pro and Storage. */
#include "tests/token/profiles/profile.h"

#define ZEITCONTROL                                                                                \
    .manufacturer = 0x0005, .extended_length = true, .command_max = 2048, .response_max = 2048,    \
    .rsa_exponent_bits = 32, .sw_absent = 0x6A88, .sw_before_select = 0x6A88

const struct token_profile token_profile_nitrokey_pro = {
    ZEITCONTROL,
    .name = "nitrokey-pro",
    .device = "Nitrokey Pro (ZeitControl 2.1)",
    .version = 0x0201,
    .atr = "3BDA18FF81B1FE751F030031C573C001400090000C",
    .historical = "0031C573C00140059000",
    .capabilities = "7C000800080008000800",
    .in_application_related = PROFILE_TAGS(0x4F, 0x5F52, 0x73),
    .in_discretionary = PROFILE_TAGS(0xC0, 0xC1, 0xC2, 0xC3, 0xC4, 0xC5, 0xC6, 0xCD),
    .hidden = PROFILE_TAGS(0xDE, 0xFA, 0x7F66),
    .password_max = 32,
    .algorithms = PROFILE_ALGORITHMS(PROFILE_RSA_2048, PROFILE_RSA_3072, PROFILE_RSA_4096),
    .signature_loses_zero = true,
    .sw_select_data = 0x6D00,
    .sw_next_data = 0x6D00,
};

#define ZEITCONTROL_3                                                                              \
    ZEITCONTROL,                                                                                   \
        .atr = "3BDA18FF81B1FE751F030031F573C001600090001C", .historical = "0031F573C00160059000", \
        .capabilities = "7F000800080008000001", .strict_le = true, .odd_get_data = true,           \
        .in_application_related = PROFILE_TAGS(0x4F, 0x5F52, 0x7F66, 0x73),                        \
        .in_discretionary = PROFILE_TAGS(0xC0, 0xC1, 0xC2, 0xC3, 0xC4, 0xC5, 0xC6, 0xCD, 0xDE),    \
        .password_max = 127,                                                                       \
        .algorithms = PROFILE_ALGORITHMS(                                                          \
            PROFILE_RSA_2048, PROFILE_RSA_3072, PROFILE_RSA_4096, PROFILE_P_256, PROFILE_P_384,    \
            PROFILE_P_521, PROFILE_BRAINPOOL_256, PROFILE_BRAINPOOL_384, PROFILE_BRAINPOOL_512),   \
        .short_template = true

const struct token_profile token_profile_nitrokey_pro2 = {
    ZEITCONTROL_3,
    .name = "nitrokey-pro2",
    .device = "Nitrokey Pro 2 (ZeitControl 3.3)",
    .version = 0x0303,
};

const struct token_profile token_profile_nitrokey_storage = {
    ZEITCONTROL_3,
    .name = "nitrokey-storage",
    .device = "Nitrokey Storage 2 (ZeitControl 3.4)",
    .version = 0x0304,
};
