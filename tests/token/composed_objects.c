/* Data objects without children that the card composes from what it is and has (§4.4). */
#include "tests/token/card.h"

#include <string.h>

void token_aid(const struct token *t, uint8_t out[AID_LEN])
{
    const struct token_options *o = &t->options;
    const uint8_t aid[AID_LEN] = { 0xD2,
                                   0x76,
                                   0x00,
                                   0x01,
                                   0x24,
                                   0x01,
                                   (uint8_t)(o->profile->version >> 8),
                                   (uint8_t)o->profile->version,
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
    uint8_t bytes[HISTORICAL_MAX];
    size_t len = token_historical_bytes(t, bytes);

    (void)tag;
    return buffer_append(b, bytes, len);
}

static gpg_error_t put_length_info(const struct token *t, unsigned int tag, struct buffer *b)
{
    const struct token_profile *p = t->options.profile;
    const uint8_t info[] = {
        0x02, 0x02, (uint8_t)(p->command_max >> 8),  (uint8_t)p->command_max,
        0x02, 0x02, (uint8_t)(p->response_max >> 8), (uint8_t)p->response_max
    };

    (void)tag;
    if (p->command_max == 0 || (p->extended_length && !t->options.extended_length))
        return gpg_error(GPG_ERR_NOT_FOUND);
    return buffer_append(b, info, sizeof info);
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
    (void)tag;
    return buffer_append(b, t->capabilities, sizeof t->capabilities);
}

static gpg_error_t put_attributes(const struct token *t, unsigned int tag, struct buffer *b)
{
    const struct key *key = &t->card.keys[tag - 0xC1];
    gpg_error_t err = buffer_append(b, key->attributes, key->attributes_len);

    if (!err && t->options.profile->ec_stray_octet && key->attributes[0] != ALGORITHM_RSA)
        err = buffer_append_u8(b, 0x5A);
    return err;
}

/* A fourth key, of which there is not much to see. */
static gpg_error_t pad_attestation(const struct token *t, size_t len, gpg_error_t err,
                                   struct buffer *b)
{
    for (size_t i = 0; i < len && !err && t->options.profile->attestation; i++)
        err = buffer_append_u8(b, 0);
    return err;
}

static gpg_error_t put_attestation(const struct token *t, unsigned int tag, struct buffer *b)
{
    static const uint8_t touch[] = { 0x00, UIF_BUTTON };
    uint8_t attributes[ATTRIBUTES_MAX];
    size_t len = token_attributes_of_rsa(t->options.profile, 2048, attributes);

    if (!t->options.profile->attestation)
        return gpg_error(GPG_ERR_NOT_FOUND);
    return tag == 0xD9 ? buffer_append(b, touch, sizeof touch) : buffer_append(b, attributes, len);
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
    return pad_attestation(t, FINGERPRINT_LEN, err, b);
}

static gpg_error_t put_ca_fingerprints(const struct token *t, unsigned int tag, struct buffer *b)
{
    gpg_error_t err = 0;

    (void)tag;
    for (size_t i = 0; i < SLOT_COUNT && !err; i++)
        err = buffer_append(b, t->card.keys[i].ca_fingerprint, FINGERPRINT_LEN);
    return pad_attestation(t, FINGERPRINT_LEN, err, b);
}

static gpg_error_t put_times(const struct token *t, unsigned int tag, struct buffer *b)
{
    gpg_error_t err = 0;

    (void)tag;
    for (size_t i = 0; i < SLOT_COUNT && !err; i++)
        err = buffer_append(b, t->card.keys[i].created, sizeof t->card.keys[i].created);
    return pad_attestation(t, sizeof t->card.keys->created, err, b);
}

static gpg_error_t put_key_information(const struct token *t, unsigned int tag, struct buffer *b)
{
    static const uint8_t attestation[] = { 0x81, ORIGIN_IMPORTED };
    gpg_error_t err = 0;

    (void)tag;
    for (size_t i = 0; i < SLOT_COUNT && !err; i++) {
        err = buffer_append_u8(b, (uint8_t)(i + 1));
        if (!err)
            err = buffer_append_u8(b, (uint8_t)t->card.keys[i].origin);
    }
    if (!err && t->options.profile->attestation)
        err = buffer_append(b, attestation, sizeof attestation);
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
    (void)tag;
    return token_attributes_list(t->options.profile, b);
}

static gpg_error_t put_kdf(const struct token *t, unsigned int tag, struct buffer *b)
{
    static const uint8_t off[] = { 0x81, 0x01, 0x00 };
    const struct buffer *kdf = &t->card.objects[OBJECT_KDF];

    (void)tag;
    if (kdf->len)
        return buffer_append_view(b, buffer_view(kdf));
    return t->options.profile->kdf_unset_empty ? 0 : buffer_append(b, off, sizeof off);
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
    { 0xD9, put_attestation },
    { 0xDA, put_attestation },
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
