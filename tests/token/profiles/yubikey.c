/* Yubico. DO 6E of the YubiKey 4 and 5 as real ones gave it; the NEO as its applet did. */
#include "tests/token/profiles/profile.h"

#define YUBICO                                                                                     \
    .manufacturer = 0x0006, .other_application = true, .command_chaining = true,                   \
    .get_response = true, .status = PROFILE_STATUS_REFUSED, .rsa_exponent_bits = 17

const struct token_profile token_profile_yubikey_neo = {
    YUBICO,
    .name = "yubikey-neo",
    .device = "YubiKey NEO, applet 1.0.10 (OpenPGP 2.0)",
    .version = 0x0200,
    .atr = "3BFA1300008131FE15597562696B65794E454FA6",
    .historical = "007300008000000000000000000000",
    .capabilities = "F80000FF04C000FF00FF",
    .yubico_version = { 0x01, 0x00, 0x10 },
    .answer_max = 255,
    .in_application_related = PROFILE_TAGS(0x4F, 0x5F52, 0x73),
    .in_discretionary = PROFILE_TAGS(0xC0, 0xC1, 0xC2, 0xC3, 0xC4, 0xC5, 0xC6, 0xCD),
    .hidden = PROFILE_TAGS(0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xCD, 0xDE, 0xFA, 0x7F66),
    .password_max = 127,
    .rc_tries = 3,
    .algorithms = PROFILE_ALGORITHMS(PROFILE_RSA_2048),
    .rsa_format = 3,
    .select_any_p2 = true,
    .unknown_deselects = true,
    .class_check = PROFILE_CLASS_IGNORED,
    .sw_forget = 0x6A80,
    .sw_unknown_application = 0x6999,
    .sw_file = 0x6986,
    .sw_no_response = 0x9000,
    .sw_absent = 0x6A83,
    .sw_empty_key = 0x6F00,
    .sw_select_data = 0x6D00,
    .sw_next_data = 0x6D00,
};

/* It takes extended length and does not say so; D6 to D8 are beside the tree. */
#define YUBIKEY_4                                                                                  \
    YUBICO,                                                                                        \
        .version = 0x0201, .atr = "3BF81300008131FE15597562696B657934D4",                          \
        .historical = "0073000080059000", .capabilities = "3C00000004C000FF00FF",                  \
        .extended_length = true,                                                                   \
        .in_application_related = PROFILE_TAGS(0x4F, 0x5F52, 0x7F74, 0x73),                        \
        .in_discretionary = PROFILE_TAGS(0xC0, 0xC1, 0xC2, 0xC3, 0xC4, 0xC5, 0xC6, 0xCD),          \
        .tagged = PROFILE_TAGS(0x6E),                                                              \
        .hidden = PROFILE_TAGS(0xC5, 0xC6, 0xCD, 0xDE, 0xFA, 0x7F66), .password_max = 127,         \
        .algorithms = PROFILE_ALGORITHMS(PROFILE_RSA_2048, PROFILE_RSA_3072, PROFILE_RSA_4096),    \
        .button = true, .uif_max = 2, .sw_absent = 0x6B00, .sw_select_data = 0x6D00,               \
        .sw_next_data = 0x6D00

const struct token_profile token_profile_yubikey_4_2 = {
    YUBIKEY_4,
    .name = "yubikey-4.2",
    .device = "YubiKey 4, firmware 4.2.6 (OpenPGP 2.1)",
    .yubico_version = { 0x04, 0x02, 0x06 },
    .command_max = 2038,
    .response_max = 2038,
    .touch_missed = true,
    .sw_forget = 0x6A80,
};

const struct token_profile token_profile_yubikey_4 = {
    YUBIKEY_4,
    .name = "yubikey-4",
    .device = "YubiKey 4, firmware 4.3.7 (OpenPGP 2.1)",
    .yubico_version = { 0x04, 0x03, 0x07 },
    .command_max = 3062,
    .response_max = 3062,
    .sw_forget = 0x6A80,
};

#define YUBIKEY_5                                                                                  \
    YUBICO, .version = 0x0304, .atr = "3BFD1300008131FE158073C021C057597562694B657940",            \
            .historical = "00730000E0059000", .capabilities = "7D000BFE080000FF0000",              \
            .extended_length = true, .command_max = 0x0BFE, .response_max = 0x0BFE,                \
            .in_application_related = PROFILE_TAGS(0x4F, 0x5F52, 0x7F74, 0x73),                    \
            .in_discretionary = PROFILE_TAGS(0xC0, 0xC1, 0xC2, 0xC3, 0xDA, 0xC4, 0xC5, 0xC6, 0xCD, \
                                             0xDE, 0x7F66, 0xD6, 0xD7, 0xD8, 0xD9),                \
            .tagged = PROFILE_TAGS(0x6E, 0xFA), .hidden = PROFILE_TAGS(0xC5, 0xC6, 0xCD),          \
            .attestation = true, .kdf_before_keys = true, .password_max = 127,                     \
            .algorithms = PROFILE_ALGORITHMS(PROFILE_RSA_2048, PROFILE_RSA_3072, PROFILE_RSA_4096, \
                                             PROFILE_P_256, PROFILE_P_384, PROFILE_P_521,          \
                                             PROFILE_SECP_256K1, PROFILE_BRAINPOOL_256,            \
                                             PROFILE_BRAINPOOL_384, PROFILE_BRAINPOOL_512,         \
                                             PROFILE_ED_25519, PROFILE_CURVE_25519),               \
            .button = true, .uif_max = 4, .sw_absent = 0x6B00, .sw_next_data = 0x6D00

const struct token_profile token_profile_yubikey_5_2 = {
    YUBIKEY_5,
    .name = "yubikey-5.2",
    .device = "YubiKey 5, firmware 5.2.7 (OpenPGP 3.4)",
    .yubico_version = { 0x05, 0x02, 0x07 },
    .select_data_long = true,
    .ec_stray_octet = true,
    .list_wrong_25519 = true,
    .list_too_long = 2,
    .sw_forget = 0x6A80,
};

const struct token_profile token_profile_yubikey_5_4 = {
    YUBIKEY_5,
    .name = "yubikey-5.4",
    .device = "YubiKey 5, firmware 5.4.3 (OpenPGP 3.4)",
    .yubico_version = { 0x05, 0x04, 0x03 },
    .select_data_long = true,
    .list_wrong_25519 = true,
    .list_too_long = 2,
    .sw_forget = 0x6A80,
};

/* It knows VERIFY with P1 = FF, as all from 5.6.0 on. */
const struct token_profile token_profile_yubikey_5_7 = {
    YUBIKEY_5,
    .name = "yubikey-5.7",
    .device = "YubiKey 5, firmware 5.7.1 (OpenPGP 3.4)",
    .yubico_version = { 0x05, 0x07, 0x01 },
};
