/* The inside of the virtual card: what the files of this folder share, and nobody else.
 *
 * References "§" are to the OpenPGP smart card application specification 3.4.1. */
#pragma once

#include "tests/token/apdu.h"
#include "tests/token/token.h"

#include <gcrypt.h>

/* §6 and ISO 7816-4 §5.6 */
enum status_word {
    SW_MORE = 0x6100, /* and how much more */
    SW_TERMINATED = 0x6285,
    SW_TRIES_LEFT = 0x63C0, /* and how many */
    SW_MEMORY = 0x6581,
    SW_NO_TOUCH = 0x6600,
    SW_WRONG_LENGTH = 0x6700,
    SW_NO_CHANNELS = 0x6881,
    SW_NO_SECURE_MESSAGING = 0x6882,
    SW_LAST_IN_CHAIN_WANTED = 0x6883,
    SW_NO_CHAINING = 0x6884,
    SW_NOT_ALLOWED = 0x6982,
    SW_BLOCKED = 0x6983,
    SW_CONDITIONS = 0x6985,
    SW_NO_APPLICATION = 0x6986,
    SW_BAD_DATA = 0x6A80,
    SW_NOT_SUPPORTED = 0x6A81,
    SW_NO_FILE = 0x6A82,
    SW_NOT_FOUND = 0x6A88,
    SW_BAD_PARAMETERS = 0x6B00,
    SW_NO_INSTRUCTION = 0x6D00,
    SW_NO_CLASS = 0x6E00,
    SW_FAILED = 0x6F00,
    SW_OK = 0x9000,
};

enum slot { SLOT_SIGN, SLOT_DECRYPT, SLOT_AUTHENTICATE, SLOT_COUNT };

/* The three states of verification: PW1 has two (§4.3.1). */
enum verification { VERIFIED_PW1_SIGN, VERIFIED_PW1_OTHER, VERIFIED_PW3, VERIFICATIONS };

enum access { ACCESS_ALWAYS, ACCESS_PW1, ACCESS_PW3, ACCESS_NEVER };

/* Data objects that are kept as they were written. */
enum object {
    OBJECT_NAME,
    OBJECT_LANGUAGE,
    OBJECT_SEX,
    OBJECT_LOGIN,
    OBJECT_URL,
    OBJECT_PRIVATE_1,
    OBJECT_PRIVATE_2,
    OBJECT_PRIVATE_3,
    OBJECT_PRIVATE_4,
    OBJECT_KDF,
    OBJECT_AES_KEY,
    OBJECT_CERTIFICATE_1, /* authentication, then decryption, then signature (§4.4.1) */
    OBJECT_CERTIFICATE_2,
    OBJECT_CERTIFICATE_3,
    OBJECT_COUNT
};

#define DEFAULT_PW1       "123456"
#define DEFAULT_PW3       "12345678"
#define CERTIFICATES      3
#define PASSWORD_TRIES    3
#define PASSWORD_MAX      127  /* of any profile */
#define SPECIAL_MAX       255  /* login, URL and private objects: C0 octets 7 and 8 */
#define CERTIFICATE_MAX   2048 /* C0 octets 5 and 6 */
#define CHAIN_MAX         3072 /* data of a chained command */
#define ANSWER_MAX        4096 /* data of an answer that is handed over in parts */
#define ATTRIBUTES_MAX    16
#define FINGERPRINT_LEN   20
#define RSA_BITS_MAX      4096
#define FIELD_MAX         66 /* octets of a coordinate of P-521 */
#define SIGNATURES_MAX    0xFFFFFFu
#define HISTORICAL_MAX    15
#define ATR_MAX           33
#define UIF_PERMANENT     0x02 /* D6 to D8, first octet (§4.4.3.6); 00 off, 01 on */
#define UIF_BUTTON        0x20 /* and second */
#define AID_LEN           16
#define EXTENDED_CAP_LEN  10
#define PASSWORD_INFO_LEN 7

/* §4.4.3.9: first octet of the algorithm attributes */
enum algorithm_id {
    ALGORITHM_RSA = 0x01,
    ALGORITHM_ECDH = 0x12,
    ALGORITHM_ECDSA = 0x13,
    ALGORITHM_EDDSA = 0x16
};

enum curve_form { CURVE_WEIERSTRASS, CURVE_MONTGOMERY, CURVE_EDWARDS };

struct curve {
    const char *name; /* as libgcrypt calls it */
    const char *oid;
    uint8_t oid_len;
    uint8_t field; /* octets of a coordinate, and of the secret number */
    enum curve_form form;
};

struct algorithm {
    enum algorithm_id id;
    unsigned int bits;         /* RSA: of the modulus */
    unsigned int exponent;     /* RSA: most bits of the public exponent */
    const struct curve *curve; /* the others */
};

/* Numbers of a secret key: e, p, q big-endian for RSA, or d: big-endian for Weierstrass curves, the
 * curve's own octets (RFC 7748, RFC 8032) for the others. */
struct key_parts {
    struct view e, p, q, d;
};

/* DE: where a key comes from (§4.4.3.8) */
enum origin { ORIGIN_NONE, ORIGIN_GENERATED, ORIGIN_IMPORTED };

struct key {
    uint8_t attributes[ATTRIBUTES_MAX];
    size_t attributes_len;
    enum origin origin;
    uint8_t fingerprint[FINGERPRINT_LEN];
    uint8_t ca_fingerprint[FINGERPRINT_LEN];
    uint8_t created[4];
    uint8_t uif[2];
    struct buffer e, p, q, d;    /* as in struct key_parts; empty without a key */
    gcry_sexp_t secret;          /* what libgcrypt works with; NULL on Montgomery curves */
    struct buffer public_object; /* 7F49 and all in it */
};

struct password {
    struct buffer value; /* empty: not set */
    uint8_t tries;
};

/* What the card keeps without power. */
struct card {
    bool terminated;
    bool pw1_for_several; /* C4 octet 1 */
    struct password pw1, rc, pw3;
    struct buffer objects[OBJECT_COUNT];
    struct key keys[SLOT_COUNT];
    uint32_t signatures;
};

enum application { APPLICATION_NONE, APPLICATION_OPENPGP, APPLICATION_OTHER };

struct token {
    struct token_options options;
    uint8_t capabilities[EXTENDED_CAP_LEN]; /* DO C0 */
    struct card card;
    uint8_t atr[ATR_MAX];
    size_t atr_len;

    /* Lost at reset: */
    enum application selected;
    bool verified[VERIFICATIONS];
    bool mode_lost[VERIFICATIONS]; /* verified, and of no use: PROFILE_STATUS_CLEARS */
    enum slot decrypt_with;        /* MSE SET */
    enum slot authenticate_with;
    unsigned int certificate; /* current occurrence of 7F21 */
    bool chaining;
    struct command chain_header;
    struct buffer chain;
    struct buffer rest; /* of the answer, for GET RESPONSE */
    size_t rest_at;
    bool long_answer; /* the last one was */
};

/* C0, first and last octet */
enum capability {
    CAN_GET_CHALLENGE = 0x40,
    HAS_PRIVATE_OBJECTS = 0x08,
    CAN_AES = 0x02,
    CAN_KDF = 0x01
};
#define CAN_MSE 0x01

static inline bool token_can(const struct token *t, enum capability capability)
{
    return t->capabilities[0] & (uint8_t)capability;
}

/* A status word of the profile, or the one that is usual. */
static inline uint16_t token_word(uint16_t own, uint16_t usual)
{
    return own ? own : usual;
}

/* card.c: the card's memory. */
gpg_error_t token_card_factory(const struct token_profile *profile, struct card *card);
void token_card_free(struct card *card);
extern const uint16_t token_object_max[OBJECT_COUNT];

/* Handlers: append the answer's data, return the status word. */
typedef uint16_t token_handler(struct token *t, const struct command *c, struct buffer *answer);

/* token.c: what an application loses when another is selected. */
void token_forget(struct token *t);

/* selection.c */
token_handler token_select, token_terminate, token_activate;

/* historical_bytes.c; returns how many. */
size_t token_historical_bytes(const struct token *t, uint8_t out[HISTORICAL_MAX]);
size_t token_make_atr(const struct token *t, uint8_t out[ATR_MAX]);

/* composed_objects.c. GPG_ERR_NOT_FOUND: this card has no such object. */
gpg_error_t token_compose(const struct token *t, unsigned int tag, struct buffer *b);

/* data_objects.c, put_data.c */
token_handler token_get_data, token_get_data_odd, token_select_data, token_get_next_data;
token_handler token_put_data, token_put_data_odd, token_get_challenge;
void token_aid(const struct token *t, uint8_t out[AID_LEN]);
bool token_find_object(const struct token *t, unsigned int tag, enum object *object);
enum access token_read_access(unsigned int tag);
bool token_has_object(const struct token *t, unsigned int tag);

/* pins.c */
token_handler token_verify, token_change_reference_data, token_reset_retry_counter;
/* Verified, and good for use. */
bool token_verified(const struct token *t, enum verification verification);
bool token_may(const struct token *t, enum access access);
gpg_error_t token_password_set(struct password *password, struct view value);
uint16_t token_put_resetting_code(struct token *t, struct view value);
uint16_t token_put_password_status(struct token *t, struct view value);
void token_password_info(const struct token *t, uint8_t out[PASSWORD_INFO_LEN]);

/* kdf.c */
uint16_t token_put_kdf(struct token *t, struct view value);
/* Octets of a hashed password, 0 when the KDF is off. */
size_t token_kdf_digest_len(const struct card *card);

/* attributes.c */
bool token_attributes_parse(struct view attributes, struct algorithm *algorithm);
bool token_attributes_fit(const struct algorithm *algorithm, enum slot slot);
/* Does this device have it? */
bool token_attributes_supported(const struct token *t, const struct algorithm *algorithm);
const struct curve *token_curve_by_oid(struct view oid);
/* The attributes of a key as the device writes them; out holds ATTRIBUTES_MAX. */
size_t token_attributes_of_curve(const struct token_profile *profile, enum algorithm_id id,
                                 const struct curve *curve, uint8_t *out);
size_t token_attributes_of_rsa(const struct token_profile *profile, unsigned int bits,
                               uint8_t *out);
/* Content of DO FA. */
gpg_error_t token_attributes_list(const struct token_profile *profile, struct buffer *out);
uint16_t token_put_attributes(struct token *t, enum slot slot, struct view value);

/* keys.c */
token_handler token_key_pair;
uint16_t token_import_key(struct token *t, struct view extended_header_list);
bool token_key_present(const struct key *key);
/* Makes *key hold the numbers. GPG_ERR_BAD_SECKEY when they are no key of its attributes; *key is
 * as it was then. */
gpg_error_t token_key_set(struct key *key, const struct key_parts *parts, enum origin origin);
void token_key_delete(struct key *key);
/* A secret number as hosts send it: it may have lost leading zeros, and that of Curve25519 is
 * big-endian, as in OpenPGP. */
gpg_error_t token_secret_from_wire(const struct curve *curve, struct view wire, struct buffer *d);

/* key_numbers.c: from numbers to what libgcrypt works with. */
gpg_error_t token_rsa_build(const struct algorithm *algorithm, const struct key_parts *parts,
                            gcry_sexp_t *r_secret, struct buffer *public_object);
gpg_error_t token_ec_build(const struct curve *curve, struct view d, gcry_sexp_t *r_secret,
                           struct buffer *public_object);
gpg_error_t token_rsa_generate(const struct algorithm *algorithm, struct buffer *e,
                               struct buffer *p, struct buffer *q);
gpg_error_t token_ec_generate(const struct curve *curve, struct buffer *d);

/* crypto.c */
token_handler token_perform_security_operation, token_internal_authenticate;
token_handler token_manage_security_environment;

/* curves.c: RFC 7748 and affine arithmetic. The shared x, or with `whole` 04 x y. */
gpg_error_t token_ecdh(const struct curve *curve, struct view d, struct view point, bool whole,
                       struct buffer *shared);
int token_montgomery_id(const struct curve *curve);

/* mpi.c: numbers of libgcrypt to octets and back. */
gpg_error_t token_mpi_scan(struct view v, gcry_mpi_t *r_mpi);
/* Big-endian, left-padded to width octets; GPG_ERR_TOO_LARGE when it does not fit. */
gpg_error_t token_mpi_append(struct buffer *b, gcry_mpi_t mpi, size_t width);
/* The value of the list `name` in an s-expression, left-padded to width. */
gpg_error_t token_sexp_append(struct buffer *b, gcry_sexp_t sexp, const char *name, size_t width);
