/* The three key slots: GENERATE ASYMMETRIC KEY PAIR (§7.2.14) and key import (§4.4.3.12). */
#include "tests/token/card.h"
#include "tests/token/tlv.h"

#include <string.h>

#define GENERATE 0x80
#define READ     0x81

bool token_key_present(const struct key *key)
{
    return key->origin != ORIGIN_NONE;
}

void token_key_delete(struct key *key)
{
    buffer_free(&key->e);
    buffer_free(&key->p);
    buffer_free(&key->q);
    buffer_free(&key->d);
    buffer_free(&key->public_object);
    gcry_sexp_release(key->secret);
    key->secret = NULL;
    key->origin = ORIGIN_NONE;
    memset(key->fingerprint, 0, sizeof key->fingerprint);
    memset(key->created, 0, sizeof key->created);
}

static gpg_error_t build(const struct algorithm *algorithm, const struct key_parts *parts,
                         gcry_sexp_t *r_secret, struct buffer *public_object)
{
    if (algorithm->id == ALGORITHM_RSA)
        return token_rsa_build(algorithm, parts, r_secret, public_object);
    return token_ec_build(algorithm->curve, parts->d, r_secret, public_object);
}

static gpg_error_t keep(struct buffer *to, struct view from)
{
    buffer_clear(to);
    return buffer_append_view(to, from);
}

gpg_error_t token_key_set(struct key *key, const struct key_parts *parts, enum origin origin)
{
    struct buffer public_object = BUFFER(key->public_object.max);
    gcry_sexp_t secret = NULL;
    struct algorithm algorithm;
    gpg_error_t err;

    if (!token_attributes_parse(view_of(key->attributes, key->attributes_len), &algorithm))
        return gpg_error(GPG_ERR_BAD_SECKEY);
    err = build(&algorithm, parts, &secret, &public_object);
    if (err)
        goto leave;
    if (keep(&key->e, view_strip_zeros(parts->e)) || keep(&key->p, view_strip_zeros(parts->p)) ||
        keep(&key->q, view_strip_zeros(parts->q)) || keep(&key->d, parts->d) ||
        keep(&key->public_object, buffer_view(&public_object))) {
        token_key_delete(key);
        err = gpg_error(GPG_ERR_ENOMEM);
        goto leave;
    }
    gcry_sexp_release(key->secret);
    key->secret = secret;
    key->origin = origin;
    secret = NULL;
leave:
    gcry_sexp_release(secret);
    buffer_free(&public_object);
    return err;
}

/* Control reference template: which slot, alone or with the number of its key. */
static bool find_slot(const struct token_profile *profile, unsigned int tag, struct view value,
                      enum slot *slot)
{
    static const uint16_t tags[SLOT_COUNT] = { 0xB6, 0xB8, 0xA4 };
    struct view number;

    for (unsigned int i = 0; i < SLOT_COUNT; i++)
        if (tags[i] == tag) {
            *slot = (enum slot)i;
            return value.len == 0 ||
                   (!profile->short_template && value.len == 3 &&
                    token_tlv_find(value, 0x84, &number) && number.data[0] == i + 1);
        }
    return false;
}

static uint16_t generate(struct token *t, enum slot slot)
{
    struct buffer e = BUFFER(4), p = BUFFER(RSA_BITS_MAX / 8), q = BUFFER(RSA_BITS_MAX / 8);
    struct buffer d = BUFFER(FIELD_MAX);
    struct key *key = &t->card.keys[slot];
    struct algorithm algorithm;
    gpg_error_t err;

    if (!token_attributes_parse(view_of(key->attributes, key->attributes_len), &algorithm))
        return SW_FAILED;
    if (algorithm.id == ALGORITHM_RSA && !t->options.generate_rsa)
        return SW_NOT_SUPPORTED;
    if (algorithm.id == ALGORITHM_RSA)
        err = token_rsa_generate(&algorithm, &e, &p, &q);
    else
        err = token_ec_generate(algorithm.curve, &d);
    if (!err) {
        const struct key_parts parts = { buffer_view(&e), buffer_view(&p), buffer_view(&q),
                                         buffer_view(&d) };

        err = token_key_set(key, &parts, ORIGIN_GENERATED);
    }
    buffer_free(&e);
    buffer_free(&p);
    buffer_free(&q);
    buffer_free(&d);
    return err ? SW_MEMORY : SW_OK;
}

uint16_t token_key_pair(struct token *t, const struct command *c, struct buffer *answer)
{
    struct view crt = c->data;
    struct view value;
    unsigned int tag;
    enum slot slot;
    uint16_t sw;

    if ((c->p1 != GENERATE && c->p1 != READ) || c->p2)
        return SW_BAD_PARAMETERS;
    if (!token_tlv_take(&crt, &tag, &value) || crt.len ||
        !find_slot(t->options.profile, tag, value, &slot))
        return SW_BAD_DATA;
    if (c->p1 == GENERATE) {
        if (!token_may(t, ACCESS_PW3))
            return SW_NOT_ALLOWED;
        sw = generate(t, slot);
        if (sw != SW_OK)
            return sw;
        if (slot == SLOT_SIGN)
            t->card.signatures = 0;
    }
    if (!token_key_present(&t->card.keys[slot]))
        return token_word(t->options.profile->sw_empty_key, SW_NOT_FOUND);
    return buffer_append_view(answer, buffer_view(&t->card.keys[slot].public_object)) ? SW_MEMORY
                                                                                      : SW_OK;
}

/* Cuts the numbers out of 5F48 as the tags and lengths of 7F48 say; those that the card works out
 * itself are skipped. */
static bool cut_numbers(struct view template, struct view numbers, bool rsa,
                        struct key_parts *parts)
{
    struct view value;
    unsigned int tag;
    size_t len;

    while (template.len) {
        if (!token_tl_take(&template, &tag, &len) || !view_take(&numbers, len, &value))
            return false;
        if (tag == 0x91 && rsa)
            parts->e = value;
        else if (tag == 0x92 && rsa)
            parts->p = value;
        else if (tag == 0x92)
            parts->d = value;
        else if (tag == 0x93 && rsa)
            parts->q = value;
        else if (tag < 0x91 || tag > 0x99)
            return false;
    }
    return numbers.len == 0;
}

gpg_error_t token_secret_from_wire(const struct curve *curve, struct view wire, struct buffer *d)
{
    gpg_error_t err = 0;
    uint8_t octet;

    if (wire.len > curve->field)
        wire = view_strip_zeros(wire);
    if (wire.len == 0 || wire.len > curve->field)
        return gpg_error(GPG_ERR_BAD_SECKEY);
    for (size_t i = wire.len; i < curve->field && !err; i++)
        err = buffer_append_u8(d, 0);
    if (!err)
        err = buffer_append_view(d, wire);
    if (err || token_montgomery_id(curve) != GCRY_ECC_CURVE25519)
        return err;
    for (size_t i = 0; i < d->len / 2; i++) {
        octet = d->data[i];
        d->data[i] = d->data[d->len - 1 - i];
        d->data[d->len - 1 - i] = octet;
    }
    return 0;
}

static uint16_t import_numbers(struct token *t, enum slot slot, struct view template,
                               struct view numbers)
{
    struct key *key = &t->card.keys[slot];
    struct buffer d = BUFFER(FIELD_MAX);
    struct key_parts parts = { 0 };
    struct algorithm algorithm;
    gpg_error_t err = 0;

    if (!token_attributes_parse(view_of(key->attributes, key->attributes_len), &algorithm))
        return SW_FAILED;
    if (!cut_numbers(template, numbers, algorithm.id == ALGORITHM_RSA, &parts))
        return SW_BAD_DATA;
    if (algorithm.id != ALGORITHM_RSA) {
        err = token_secret_from_wire(algorithm.curve, parts.d, &d);
        parts.d = buffer_view(&d);
    }
    if (!err)
        err = token_key_set(key, &parts, ORIGIN_IMPORTED);
    buffer_free(&d);
    if (err)
        return SW_BAD_DATA;
    if (slot == SLOT_SIGN)
        t->card.signatures = 0;
    return SW_OK;
}

uint16_t token_import_key(struct token *t, struct view extended_header_list)
{
    struct view list, crt, template, numbers;
    unsigned int tag;
    enum slot slot;

    if (!token_tlv_take(&extended_header_list, &tag, &list) || tag != 0x4D ||
        extended_header_list.len)
        return SW_BAD_DATA;
    if (!token_tlv_take(&list, &tag, &crt) || !find_slot(&token_profile_generic, tag, crt, &slot))
        return SW_BAD_DATA;
    if (!token_tlv_take(&list, &tag, &template) || tag != 0x7F48 ||
        !token_tlv_take(&list, &tag, &numbers) || tag != 0x5F48 || list.len)
        return SW_BAD_DATA;
    return import_numbers(t, slot, template, numbers);
}
