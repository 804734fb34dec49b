/* SmartPGP on a Java card, as built by default and with its patch for extended length. */
#include "tests/token/profiles/profile.h"

#define SMARTPGP                                                                                   \
    .version = 0x0304, .manufacturer = 0xAFAF, .capabilities = "7F000020048000FF0000",             \
    .extended_length = true, .command_chaining = true, .get_response = true,                       \
    .command_max = 0x0400, .response_max = 0x0400, .more_than_255 = 0xFF,                          \
    .in_application_related = PROFILE_TAGS(0x4F, 0x5F52, 0x73),                                    \
    .in_discretionary = PROFILE_TAGS(0xC0, 0xC1, 0xC2, 0xC3, 0xC4, 0xC5, 0xC6, 0xCD),              \
    .tagged = PROFILE_TAGS(0x6E, 0x7F66, 0xC1, 0xC2, 0xC3, 0xDE), .hidden = PROFILE_TAGS(0xC0),    \
    .language = "en", .password_max = 127,                                                         \
    .algorithms = PROFILE_ALGORITHMS(                                                              \
        PROFILE_P_256, PROFILE_P_384, PROFILE_P_521, PROFILE_BRAINPOOL_256, PROFILE_BRAINPOOL_384, \
        PROFILE_BRAINPOOL_512, PROFILE_RSA_2048, PROFILE_RSA_3072, PROFILE_RSA_4096),              \
    .rsa_exponent_bits = 17, .rsa_format = 3, .ec_with_public = true, .ecdh_exact = true,          \
    .select_any_p2 = true, .unknown_deselects = true, .class_check = PROFILE_CLASS_IGNORED,        \
    .sw_unknown_application = 0x6999, .sw_file = 0x6986, .sw_no_response = 0x6883,                 \
    .sw_blocked = 0x6982

/* Extended length is taken (by the simulator of the recording) and not announced. */
const struct token_profile token_profile_smartpgp = {
    SMARTPGP,
    .name = "smartpgp",
    .device = "SmartPGP on a Java card, short APDUs",
    .atr = "3BDA18FF81B1FE751F030031F573C00180009000FC",
    .historical = "00C1C573C00180059000",
};

const struct token_profile token_profile_smartpgp_ext = {
    SMARTPGP,
    .name = "smartpgp-ext",
    .device = "SmartPGP on a Java card, with extended length",
    .atr = "3BDA18FF81B1FE751F030031F573C001C0009000BC",
    .historical = "00C1C573C001C0059000",
};
