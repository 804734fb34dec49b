/* Devices as tables: what each says of itself, and what it does differently from the specification
 * (OpenPGP smart card application 3.4.1). The card's code reads them; they hold no code.
 *
 * Octets are written in hex. A status word of 0 means the one that the generic card answers. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum profile_algorithm {
    PROFILE_END,
    PROFILE_RSA_2048,
    PROFILE_RSA_3072,
    PROFILE_RSA_4096,
    PROFILE_P_256, /* from here on as in the table of curves (attributes.c) */
    PROFILE_P_384,
    PROFILE_P_521,
    PROFILE_BRAINPOOL_256,
    PROFILE_BRAINPOOL_384,
    PROFILE_BRAINPOOL_512,
    PROFILE_SECP_256K1,
    PROFILE_CURVE_25519,
    PROFILE_X_448,
    PROFILE_ED_25519,
    PROFILE_SM_2, /* listed, no more */
};

/* What the card makes of CLA beside chaining. */
enum profile_class {
    PROFILE_CLASS_CHECKED, /* as ISO 7816-4 has it */
    PROFILE_CLASS_IGNORED,
    PROFILE_CLASS_PLAIN, /* 6E00 for all but 00 */
};

/* VERIFY without data. */
enum profile_status {
    PROFILE_STATUS_ANSWERED,
    PROFILE_STATUS_REFUSED, /* 6A80 */
    PROFILE_STATUS_CLEARS,  /* answered, and the key can't be used until the PIN is sent again */
};

#define PROFILE_TAGS(...)                                                                          \
    (const uint16_t[])                                                                             \
    {                                                                                              \
        __VA_ARGS__, 0                                                                             \
    }
#define PROFILE_ALGORITHMS(...)                                                                    \
    (const uint8_t[])                                                                              \
    {                                                                                              \
        __VA_ARGS__, PROFILE_END                                                                   \
    }

struct token_profile {
    const char *name;
    const char *device; /* in a few words, for --profile list */

    /* Identity */
    uint16_t version; /* in the AID */
    uint16_t manufacturer;
    const char *atr;           /* NULL: made of the historical bytes, which are 10 then */
    const char *historical;    /* DO 5F52 */
    const char *capabilities;  /* DO C0; what it announces is there, what not is not */
    uint8_t yubico_version[3]; /* BCD; 0.0.0: INS F1 is unknown */
    bool other_application;    /* PIV can be selected beside */

    /* Lengths. 5F52 need not tell of all that is taken. */
    bool extended_length, command_chaining, get_response;
    uint16_t command_max, response_max; /* whole APDUs of extended length; DO 7F66 */
    uint8_t block_max;                  /* data of a short command; 0: 255 */
    uint16_t answer_max;                /* data of one answer to a short Le; 0: 256 */
    uint8_t more_than_255;              /* SW2 of 61xx when that much is left */
    bool without_le; /* T=0: answers to commands with data wait for GET RESPONSE */
    bool strict_le;  /* 6700 for an Le too many; PSO without one loses its result */
    bool odd_get_data;

    /* Objects */
    const uint16_t *in_application_related; /* DO 6E */
    const uint16_t *in_discretionary;       /* DO 73 */
    const uint16_t *tagged;                 /* answered with their own tag and length; or NULL */
    const uint16_t *hidden;                 /* not answered on their own; or NULL */
    bool long_lengths;                      /* 6E and 73 always have a length of three octets */
    bool attestation;      /* Yubico: a fourth key in C5, C6, CD and DE, and DOs D9 and DA */
    bool omit_unset;       /* DO 65 has no empty children */
    bool kdf_unset_empty;  /* DO F9 has no value before it is set */
    bool kdf_before_keys;  /* and cannot be set when there are keys */
    const char *language;  /* of a new card; as text */
    bool sex_unset;        /* of a new card */
    bool select_data_long; /* SELECT DATA wants one more length octet */

    /* PINs */
    uint8_t password_max;
    uint8_t rc_tries; /* in C4 while there is no resetting code */
    bool several_signatures;
    bool wrong_pin_counts; /* 63Cx */
    enum profile_status status;

    /* Keys */
    const uint8_t *algorithms; /* enum profile_algorithm, as DO FA lists them */
    uint8_t rsa_exponent_bits, rsa_format;
    bool ec_with_public;       /* attributes of curves end in FF */
    bool ec_stray_octet;       /* attributes of curves are read with an octet too many */
    bool list_wrong_25519;     /* Yubico before 5.6.1 */
    uint8_t list_too_long;     /* octets that the outer length of FA is wrong by */
    bool short_template;       /* READ PUBLIC KEY takes control reference templates of two octets */
    bool ecdh_exact;           /* the DOs around a point are compared, not parsed */
    bool ecdh_koblitz_whole;   /* secp256k1: 04 x y is answered */
    bool signature_loses_zero; /* leading zeros of RSA signatures */

    /* Touch */
    bool button;             /* DOs 7F74 and D6 to D8 */
    uint8_t uif_max;         /* highest first octet of D6 to D8 */
    bool touch_loss_forgets; /* a touch that never came takes the PINs with it */
    bool touch_missed;       /* it is not seen right after an answer beyond 54 octets */

    /* Selection and class */
    bool whole_name_only; /* SELECT takes the six octets and no part of them */
    bool select_any_p2;
    bool unknown_deselects; /* no application is selected after an unknown one was asked for */
    enum profile_class class_check;

    /* Status words */
    uint16_t sw_before_select;
    uint16_t sw_unknown_application;
    uint16_t sw_file;          /* SELECT by file identifier; 9000 also takes the PINs */
    uint16_t sw_file_selected; /* the same with OpenPGP selected; 0: as sw_file */
    uint16_t sw_bad_parameters;
    uint16_t sw_no_extended;
    uint16_t sw_no_response;    /* GET RESPONSE when there is none */
    uint16_t sw_absent;         /* no such object */
    uint16_t sw_hidden;         /* an object that is not answered on its own; 0: as sw_absent */
    uint16_t sw_no_certificate; /* 0: an empty object */
    uint16_t sw_empty_key;
    uint16_t sw_select_data, sw_next_data; /* 0: they work */
    uint16_t sw_blocked;
    uint16_t sw_last_try;   /* the wrong PIN that blocks; 0: as any wrong PIN */
    uint16_t sw_forget;     /* VERIFY with P1 = FF; 0: it works */
    uint16_t sw_bad_digest; /* a PIN of another length than the KDF's; 0: as any bad length */
    uint16_t sw_no_touch;
};

/* All of them, NULL at the end. */
extern const struct token_profile *const token_profiles[];
const struct token_profile *token_profile_find(const char *name);

/* The card of the specification. */
extern const struct token_profile token_profile_generic;

extern const struct token_profile token_profile_yubikey_neo, token_profile_yubikey_4_2,
    token_profile_yubikey_4, token_profile_yubikey_5_2, token_profile_yubikey_5_4,
    token_profile_yubikey_5_7;
extern const struct token_profile token_profile_nitrokey_pro, token_profile_nitrokey_pro2,
    token_profile_nitrokey_storage, token_profile_nitrokey_start, token_profile_nitrokey_3;
extern const struct token_profile token_profile_smartpgp, token_profile_smartpgp_ext;
extern const struct token_profile token_profile_canokey, token_profile_ledger;
