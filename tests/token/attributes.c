/* Algorithm attributes (§4.4.3.9): which key types a slot can hold. */
#include "tests/token/card.h"
#include "tests/token/tlv.h"

#include <string.h>

#define OID(octets) octets, sizeof octets - 1

#define RSA_ATTRIBUTES_LEN 6
#define RSA_EXPONENT_MIN   17
#define RSA_EXPONENT_MAX   32
#define RSA_FORM_MAX       3 /* standard, standard with n, CRT, CRT with n */
#define WITH_PUBLIC_KEY    0xFF

/* In the order of enum profile_algorithm. */
static const struct curve curves[] = {
    { "NIST P-256", OID("\x2A\x86\x48\xCE\x3D\x03\x01\x07"), 32, CURVE_WEIERSTRASS },
    { "NIST P-384", OID("\x2B\x81\x04\x00\x22"), 48, CURVE_WEIERSTRASS },
    { "NIST P-521", OID("\x2B\x81\x04\x00\x23"), 66, CURVE_WEIERSTRASS },
    { "brainpoolP256r1", OID("\x2B\x24\x03\x03\x02\x08\x01\x01\x07"), 32, CURVE_WEIERSTRASS },
    { "brainpoolP384r1", OID("\x2B\x24\x03\x03\x02\x08\x01\x01\x0B"), 48, CURVE_WEIERSTRASS },
    { "brainpoolP512r1", OID("\x2B\x24\x03\x03\x02\x08\x01\x01\x0D"), 64, CURVE_WEIERSTRASS },
    { "secp256k1", OID("\x2B\x81\x04\x00\x0A"), 32, CURVE_WEIERSTRASS },
    { "Curve25519", OID("\x2B\x06\x01\x04\x01\x97\x55\x01\x05\x01"), 32, CURVE_MONTGOMERY },
    { "X448", OID("\x2B\x65\x6F"), 56, CURVE_MONTGOMERY },
    { "Ed25519", OID("\x2B\x06\x01\x04\x01\xDA\x47\x0F\x01"), 32, CURVE_EDWARDS },
};

static const uint16_t rsa_sizes[] = { 2048, 3072, 4096 };

#define CURVES    (sizeof curves / sizeof curves[0])
#define RSA_SIZES (sizeof rsa_sizes / sizeof rsa_sizes[0])

const struct curve *token_curve_by_oid(struct view oid)
{
    for (size_t i = 0; i < CURVES; i++)
        if (view_equal(oid, view_of(curves[i].oid, curves[i].oid_len)))
            return &curves[i];
    return NULL;
}

static bool is_rsa_size(unsigned int bits)
{
    for (size_t i = 0; i < RSA_SIZES; i++)
        if (rsa_sizes[i] == bits)
            return true;
    return false;
}

static bool parse_rsa(struct view v, struct algorithm *a)
{
    uint16_t bits, exponent;
    uint8_t form;

    if (!view_u16(&v, &bits) || !view_u16(&v, &exponent) || !view_u8(&v, &form) || v.len)
        return false;
    a->bits = bits;
    a->exponent = exponent;
    return is_rsa_size(bits) && exponent >= RSA_EXPONENT_MIN && exponent <= RSA_EXPONENT_MAX &&
           form <= RSA_FORM_MAX;
}

static bool parse_ec(struct view v, struct algorithm *a)
{
    if (v.len && v.data[v.len - 1] == WITH_PUBLIC_KEY)
        v.len--;
    a->curve = token_curve_by_oid(v);
    if (!a->curve)
        return false;
    switch (a->curve->form) {
    case CURVE_WEIERSTRASS:
        return a->id == ALGORITHM_ECDH || a->id == ALGORITHM_ECDSA;
    case CURVE_MONTGOMERY:
        return a->id == ALGORITHM_ECDH;
    case CURVE_EDWARDS:
        return a->id == ALGORITHM_EDDSA;
    }
    return false;
}

bool token_attributes_parse(struct view attributes, struct algorithm *algorithm)
{
    struct algorithm a = { 0 };
    uint8_t id;

    if (attributes.len > ATTRIBUTES_MAX || !view_u8(&attributes, &id))
        return false;
    a.id = (enum algorithm_id)id;
    if (!(id == ALGORITHM_RSA ? parse_rsa(attributes, &a) : parse_ec(attributes, &a)))
        return false;
    *algorithm = a;
    return true;
}

bool token_attributes_fit(const struct algorithm *algorithm, enum slot slot)
{
    if (algorithm->id == ALGORITHM_RSA)
        return true;
    return (algorithm->id == ALGORITHM_ECDH) == (slot == SLOT_DECRYPT);
}

static bool is_listed(const struct token_profile *profile, unsigned int algorithm)
{
    for (const uint8_t *listed = profile->algorithms; *listed; listed++)
        if (*listed == algorithm)
            return true;
    return false;
}

bool token_attributes_supported(const struct token *t, const struct algorithm *a)
{
    const struct token_profile *profile = t->options.profile;

    if (a->id != ALGORITHM_RSA)
        return is_listed(profile, PROFILE_P_256 + (unsigned int)(a->curve - curves));
    for (unsigned int i = 0; i < RSA_SIZES; i++)
        if (rsa_sizes[i] == a->bits)
            return is_listed(profile, PROFILE_RSA_2048 + i);
    return false;
}

size_t token_attributes_of_curve(const struct token_profile *profile, enum algorithm_id id,
                                 const struct curve *curve, uint8_t *out)
{
    size_t len = 1 + (size_t)curve->oid_len;

    out[0] = (uint8_t)id;
    memcpy(out + 1, curve->oid, curve->oid_len);
    if (profile->ec_with_public)
        out[len++] = WITH_PUBLIC_KEY;
    return len;
}

size_t token_attributes_of_rsa(const struct token_profile *profile, unsigned int bits, uint8_t *out)
{
    const uint8_t rsa[RSA_ATTRIBUTES_LEN] = {
        ALGORITHM_RSA, (uint8_t)(bits >> 8),       (uint8_t)bits,
        0x00,          profile->rsa_exponent_bits, profile->rsa_format
    };

    memcpy(out, rsa, sizeof rsa);
    return sizeof rsa;
}

/* With the stray 06 08 that CanoKey has before the OID. */
static gpg_error_t list_sm2(struct buffer *out, unsigned int tag, enum slot slot)
{
    const uint8_t sm2[] = { slot == SLOT_DECRYPT ? ALGORITHM_ECDH : ALGORITHM_ECDSA,
                            0x06,
                            0x08,
                            0x2A,
                            0x81,
                            0x1C,
                            0xCF,
                            0x55,
                            0x01,
                            0x82,
                            0x2D };

    return token_tlv_append(out, tag, view_of(sm2, sizeof sm2));
}

static gpg_error_t list_curve(const struct token_profile *profile, struct buffer *out,
                              unsigned int tag, const struct curve *curve, enum slot slot)
{
    static const enum algorithm_id ids[] = { ALGORITHM_ECDH, ALGORITHM_ECDSA, ALGORITHM_EDDSA };
    uint8_t octets[ATTRIBUTES_MAX];
    gpg_error_t err = 0;
    struct algorithm a;
    bool fits;
    size_t len;

    for (size_t i = 0; i < sizeof ids / sizeof ids[0] && !err; i++) {
        len = token_attributes_of_curve(profile, ids[i], curve, octets);
        fits = token_attributes_parse(view_of(octets, len), &a) && token_attributes_fit(&a, slot);
        /* X25519 for EdDSA everywhere, and Ed25519 for decryption */
        if (profile->list_wrong_25519 && ids[i] == ALGORITHM_EDDSA && curve->field == 32)
            fits = fits || curve->form == CURVE_MONTGOMERY || curve->form == CURVE_EDWARDS;
        if (fits)
            err = token_tlv_append(out, tag, view_of(octets, len));
    }
    return err;
}

static gpg_error_t list_slot(const struct token_profile *profile, struct buffer *out,
                             enum slot slot)
{
    unsigned int tag = 0xC1 + (unsigned int)slot;
    uint8_t octets[ATTRIBUTES_MAX];
    gpg_error_t err = 0;
    size_t len;

    for (const uint8_t *listed = profile->algorithms; *listed && !err; listed++)
        if (*listed == PROFILE_SM_2) {
            err = list_sm2(out, tag, slot);
        } else if (*listed >= PROFILE_P_256) {
            err = list_curve(profile, out, tag, &curves[*listed - PROFILE_P_256], slot);
        } else {
            len = token_attributes_of_rsa(profile, rsa_sizes[*listed - PROFILE_RSA_2048], octets);
            err = token_tlv_append(out, tag, view_of(octets, len));
        }
    return err;
}

gpg_error_t token_attributes_list(const struct token_profile *profile, struct buffer *out)
{
    gpg_error_t err = list_slot(profile, out, SLOT_SIGN);

    if (!err)
        err = list_slot(profile, out, SLOT_DECRYPT);
    return err ? err : list_slot(profile, out, SLOT_AUTHENTICATE);
}

/* Another algorithm takes the slot's key with it (§4.4.3.9). */
uint16_t token_put_attributes(struct token *t, enum slot slot, struct view value)
{
    struct key *key = &t->card.keys[slot];
    struct algorithm algorithm;

    if (!token_attributes_parse(value, &algorithm) || !token_attributes_fit(&algorithm, slot) ||
        !token_attributes_supported(t, &algorithm))
        return SW_BAD_DATA;
    if (view_equal(value, view_of(key->attributes, key->attributes_len)))
        return SW_OK;
    token_key_delete(key);
    memcpy(key->attributes, value.data, value.len);
    key->attributes_len = value.len;
    return SW_OK;
}
