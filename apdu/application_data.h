/* DO 6E, application related data: who the card is, what it can do, what its slots hold (OpenPGP
 * card specification §4.4.3). Pure: bytes in, facts out. */
#pragma once

#include "apdu/algorithm.h"

#define APPLICATION_ID_LEN 6
#define AID_LEN            16
#define FINGERPRINT_LEN    20
#define SLOTS              3

/* RID of FSFE e.V. and the OpenPGP application: what SELECT names, and every AID begins with
 * (§4.2.1) */
extern const uint8_t application_id[APPLICATION_ID_LEN];

enum slot { SLOT_SIGN, SLOT_DECRYPT, SLOT_AUTHENTICATE };

/* Historical bytes, ISO 7816-4 §8.1: what the card says of commands beyond 255 octets. */
struct card_capabilities {
    bool chaining;
    bool extended_length;
};

/* DO C0, extended capabilities */
struct extended_capabilities {
    bool secure_messaging;
    bool get_challenge;
    bool key_import;
    bool pw_status_changeable;
    bool private_objects;
    bool attributes_changeable;
    bool aes;
    bool kdf;
    uint8_t sm_algorithm;
    uint16_t challenge_max;
    uint16_t certificate_max;
};

/* DO C4, PW status bytes */
struct pw_status {
    bool pw1_for_many_signatures;
    uint8_t pw1_max, reset_code_max, pw3_max;
    uint8_t pw1_tries, reset_code_tries, pw3_tries;
    bool pin_block_2; /* the PIN wants a format that we do not speak */
};

enum touch_policy { TOUCH_OFF, TOUCH_ON, TOUCH_FIXED, TOUCH_CACHED, TOUCH_CACHED_FIXED };

struct slot_data {
    struct key_algorithm algorithm;
    uint8_t fingerprint[FINGERPRINT_LEN]; /* all zero: none */
    uint8_t ca_fingerprint[FINGERPRINT_LEN];
    bool present;     /* there is a fingerprint, or DO DE names a key */
    uint32_t created; /* seconds since 1970, 0: unknown */
    enum touch_policy touch;
};

struct application_data {
    uint8_t aid[AID_LEN];
    uint16_t version;      /* 0x0304: 3.4 */
    uint16_t manufacturer; /* §4.2.1 */
    uint32_t serial;
    struct card_capabilities card;
    struct extended_capabilities extended;
    struct pw_status pw;
    struct slot_data slot[SLOTS];
    bool button;           /* DO 7F74 announces one */
    uint16_t command_max;  /* DO 7F66, whole command APDU; 0: not said */
    uint16_t response_max; /* DO 7F66, whole answer; 0: not said */
};

/* Reads the answer to GET DATA 6E, the object or its content. Tolerates unknown and missing
 * objects, lists longer than three slots, and a slot that it cannot make sense of. GPG_ERR_CARD
 * when there is no AID or no PW status in it: then it is no such card. */
gpg_error_t application_data_parse(struct view answer, struct application_data *data);

/* Reads an AID (§4.2.1) into aid, version, manufacturer and serial. False when it is none of an
 * OpenPGP card. */
bool aid_parse(struct view aid, struct application_data *data);
/* DO D6, D7 or D8. */
enum touch_policy touch_policy_parse(struct view value);

/* DO C4 alone. GPG_ERR_CARD when it is shorter than 7 octets. */
gpg_error_t pw_status_parse(struct view value, struct pw_status *pw);

/* Historical bytes of DO 5F52, or those of an ATR. Compact TLV with a status or without; what
 * cannot be read says no to both. */
struct card_capabilities historical_bytes_parse(struct view bytes);

/* The historical bytes of an answer to reset (ISO 7816-3 §8.2); empty when it is malformed. */
struct view atr_historical_bytes(struct view atr);

/* The registered name for a manufacturer id; NULL when unknown. */
const char *manufacturer_name(uint16_t id);
