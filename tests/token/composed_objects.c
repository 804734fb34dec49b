/* Data objects without children that the card composes from what it is and has (§4.4). */
#include "tests/token/card.h"

#include <string.h>

/* C0, first octet */
#define CAN_GET_CHALLENGE     0x40
#define CAN_IMPORT_KEYS       0x20
#define CAN_CHANGE_PW_STATUS  0x10
#define HAS_PRIVATE_OBJECTS   0x08
#define CAN_CHANGE_ATTRIBUTES 0x04
#define CAN_AES               0x02
#define CAN_KDF               0x01
#define CAN_MSE               0x01 /* C0, last octet */

/* Third octet of the card capabilities, ISO 7816-4 table 119 (2013) */
#define CAPABILITY_CHAINING      0x80
#define CAPABILITY_EXTENDED      0x40
#define CAPABILITY_EXTENDED_INFO 0x20

#define CARD_SERVICE_DATA 0xF5 /* selection by whole or partial AID, objects in EF.DIR, EF.ATR */
#define LIFE_INITIALISED  0x03
#define LIFE_OPERATIONAL  0x05

static uint8_t capabilities(const struct token *t)
{
    return (uint8_t)((t->options.command_chaining ? CAPABILITY_CHAINING : 0) |
                     (t->options.extended_length ? CAPABILITY_EXTENDED : 0) |
                     (t->options.extended_length ? CAPABILITY_EXTENDED_INFO : 0));
}

void token_historical_bytes(const struct token *t, uint8_t out[HISTORICAL_LEN])
{
    const uint8_t bytes[HISTORICAL_LEN] = { 0x00, /* compact TLV, status at the end */
                                            0x31,
                                            CARD_SERVICE_DATA, /* one octet */
                                            0x73,
                                            0xC0,
                                            0x01, /* three octets: selection, data coding, ... */
                                            capabilities(t), /* ... lengths */
                                            t->card.terminated ? LIFE_INITIALISED
                                                               : LIFE_OPERATIONAL,
                                            0x90,
                                            0x00 };

    memcpy(out, bytes, sizeof bytes);
}

void token_aid(const struct token *t, uint8_t out[AID_LEN])
{
    const struct token_options *o = &t->options;
    const uint8_t aid[AID_LEN] = { 0xD2,
                                   0x76,
                                   0x00,
                                   0x01,
                                   0x24,
                                   0x01,
                                   0x03,
                                   0x04,
                                   (uint8_t)(o->manufacturer >> 8),
                                   (uint8_t)o->manufacturer,
                                   (uint8_t)(o->serial >> 24),
                                   (uint8_t)(o->serial >> 16),
                                   (uint8_t)(o->serial >> 8),
                                   (uint8_t)o->serial };

    memcpy(out, aid, sizeof aid);
}

static gpg_error_t put_aid(const struct token *t, unsigned int tag, struct buffer *b)
{
    uint8_t aid[AID_LEN];

    (void)tag;
    token_aid(t, aid);
    return buffer_append(b, aid, sizeof aid);
}

static gpg_error_t put_historical_bytes(const struct token *t, unsigned int tag, struct buffer *b)
{
    uint8_t bytes[HISTORICAL_LEN];

    (void)tag;
    token_historical_bytes(t, bytes);
    return buffer_append(b, bytes, sizeof bytes);
}

static gpg_error_t put_length_info(const struct token *t, unsigned int tag, struct buffer *b)
{
    const uint8_t info[] = { 0x02, 0x02, COMMAND_MAX >> 8,  COMMAND_MAX & 0xFF,
                             0x02, 0x02, RESPONSE_MAX >> 8, RESPONSE_MAX & 0xFF };

    (void)tag;
    return t->options.extended_length ? buffer_append(b, info, sizeof info)
                                      : gpg_error(GPG_ERR_NOT_FOUND);
}

static gpg_error_t put_features(const struct token *t, unsigned int tag, struct buffer *b)
{
    static const uint8_t features[] = { 0x81, 0x01, 0x20 }; /* a button */

    (void)tag;
    return t->options.button ? buffer_append(b, features, sizeof features)
                             : gpg_error(GPG_ERR_NOT_FOUND);
}

static gpg_error_t put_extended_capabilities(const struct token *t, unsigned int tag,
                                             struct buffer *b)
{
    static const uint8_t c0[EXTENDED_CAP_LEN] = { CAN_GET_CHALLENGE | CAN_IMPORT_KEYS |
                                                      CAN_CHANGE_PW_STATUS | HAS_PRIVATE_OBJECTS |
                                                      CAN_CHANGE_ATTRIBUTES | CAN_AES | CAN_KDF,
                                                  0x00, /* no secure messaging */
                                                  CHALLENGE_MAX >> 8,
                                                  CHALLENGE_MAX & 0xFF,
                                                  CERTIFICATE_MAX >> 8,
                                                  CERTIFICATE_MAX & 0xFF,
                                                  SPECIAL_MAX >> 8,
                                                  SPECIAL_MAX & 0xFF,
                                                  0x00, /* no PIN block 2 */
                                                  CAN_MSE };

    (void)t;
    (void)tag;
    return buffer_append(b, c0, sizeof c0);
}

static gpg_error_t put_attributes(const struct token *t, unsigned int tag, struct buffer *b)
{
    const struct key *key = &t->card.keys[tag - 0xC1];

    return buffer_append(b, key->attributes, key->attributes_len);
}

static gpg_error_t put_password_info(const struct token *t, unsigned int tag, struct buffer *b)
{
    uint8_t info[PASSWORD_INFO_LEN];

    (void)tag;
    token_password_info(t, info);
    return buffer_append(b, info, sizeof info);
}

static gpg_error_t put_fingerprints(const struct token *t, unsigned int tag, struct buffer *b)
{
    gpg_error_t err = 0;

    (void)tag;
    for (size_t i = 0; i < SLOT_COUNT && !err; i++)
        err = buffer_append(b, t->card.keys[i].fingerprint, FINGERPRINT_LEN);
    return err;
}

static gpg_error_t put_ca_fingerprints(const struct token *t, unsigned int tag, struct buffer *b)
{
    gpg_error_t err = 0;

    (void)tag;
    for (size_t i = 0; i < SLOT_COUNT && !err; i++)
        err = buffer_append(b, t->card.keys[i].ca_fingerprint, FINGERPRINT_LEN);
    return err;
}

static gpg_error_t put_times(const struct token *t, unsigned int tag, struct buffer *b)
{
    gpg_error_t err = 0;

    (void)tag;
    for (size_t i = 0; i < SLOT_COUNT && !err; i++)
        err = buffer_append(b, t->card.keys[i].created, sizeof t->card.keys[i].created);
    return err;
}

static gpg_error_t put_key_information(const struct token *t, unsigned int tag, struct buffer *b)
{
    gpg_error_t err = 0;

    (void)tag;
    for (size_t i = 0; i < SLOT_COUNT && !err; i++) {
        err = buffer_append_u8(b, (uint8_t)(i + 1));
        if (!err)
            err = buffer_append_u8(b, (uint8_t)t->card.keys[i].origin);
    }
    return err;
}

static gpg_error_t put_uif(const struct token *t, unsigned int tag, struct buffer *b)
{
    return t->options.button ? buffer_append(b, t->card.keys[tag - 0xD6].uif, 2)
                             : gpg_error(GPG_ERR_NOT_FOUND);
}

static gpg_error_t put_signature_counter(const struct token *t, unsigned int tag, struct buffer *b)
{
    const uint8_t counter[] = { (uint8_t)(t->card.signatures >> 16),
                                (uint8_t)(t->card.signatures >> 8), (uint8_t)t->card.signatures };

    (void)tag;
    return buffer_append(b, counter, sizeof counter);
}

static gpg_error_t put_algorithm_list(const struct token *t, unsigned int tag, struct buffer *b)
{
    (void)t;
    (void)tag;
    return token_attributes_list(b);
}

static gpg_error_t put_kdf(const struct token *t, unsigned int tag, struct buffer *b)
{
    static const uint8_t off[] = { 0x81, 0x01, 0x00 };
    const struct buffer *kdf = &t->card.objects[OBJECT_KDF];

    (void)tag;
    return kdf->len ? buffer_append_view(b, buffer_view(kdf)) : buffer_append(b, off, sizeof off);
}

static const struct {
    uint16_t tag;
    gpg_error_t (*put)(const struct token *t, unsigned int tag, struct buffer *b);
} composed[] = {
    { 0x4F, put_aid },
    { 0x5F52, put_historical_bytes },
    { 0x7F66, put_length_info },
    { 0x7F74, put_features },
    { 0xC0, put_extended_capabilities },
    { 0xC1, put_attributes },
    { 0xC2, put_attributes },
    { 0xC3, put_attributes },
    { 0xC4, put_password_info },
    { 0xC5, put_fingerprints },
    { 0xC6, put_ca_fingerprints },
    { 0xCD, put_times },
    { 0xDE, put_key_information },
    { 0xD6, put_uif },
    { 0xD7, put_uif },
    { 0xD8, put_uif },
    { 0x93, put_signature_counter },
    { 0xFA, put_algorithm_list },
    { 0xF9, put_kdf },
};

gpg_error_t token_compose(const struct token *t, unsigned int tag, struct buffer *b)
{
    for (size_t i = 0; i < sizeof composed / sizeof composed[0]; i++)
        if (composed[i].tag == tag)
            return composed[i].put(t, tag, b);
    return gpg_error(GPG_ERR_NOT_FOUND);
}
