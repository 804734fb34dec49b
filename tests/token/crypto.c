/* Working with the keys: PERFORM SECURITY OPERATION (§7.2.10 to §7.2.12), INTERNAL AUTHENTICATE
 * (§7.2.13), MANAGE SECURITY ENVIRONMENT (§7.2.18). */
#include "tests/token/card.h"
#include "tests/token/tlv.h"

#include <string.h>

#define PSO_SIGN     0x9E9A
#define PSO_DECIPHER 0x8086
#define PSO_ENCIPHER 0x8680

/* First octet of what DECIPHER gets and ENCIPHER gives */
#define PADDING_RSA 0x00
#define PADDING_AES 0x02
#define CIPHER_DO   0xA6

#define PUBLIC_KEY_DO  0x7F49
#define EXTERNAL_POINT 0x86
#define AES_BLOCK      16

static bool find_algorithm(const struct key *key, struct algorithm *algorithm)
{
    return token_attributes_parse(view_of(key->attributes, key->attributes_len), algorithm);
}

/* §4.4.3.6: with the flag set the operation waits for the button. */
static bool touched(const struct token *t, const struct key *key)
{
    if (!t->options.button || key->uif[0] == 0)
        return true;
    if (t->options.profile->touch_missed && t->long_answer)
        return false;
    switch (t->options.touch) {
    case TOKEN_TOUCH_AUTO:
        return true;
    case TOKEN_TOUCH_MANUAL:
        return t->options.wait_for_touch && t->options.wait_for_touch(t->options.context);
    case TOKEN_TOUCH_NEVER:
        break;
    }
    return false;
}

static uint16_t no_touch(struct token *t)
{
    if (t->options.profile->touch_loss_forgets)
        memset(t->verified, 0, sizeof t->verified);
    return token_word(t->options.profile->sw_no_touch, SW_NO_TOUCH);
}

/* c = m to the secret exponent, as many octets as the modulus has. */
static gpg_error_t rsa_raw(const struct key *key, const char *form, struct view in, size_t width,
                           struct buffer *out)
{
    gcry_sexp_t data = NULL, result = NULL;
    gcry_mpi_t number = NULL;
    gpg_error_t err;

    err = token_mpi_scan(in, &number);
    if (!err)
        err = gcry_sexp_build(&data, NULL, form, number);
    if (!err)
        err = strstr(form, "enc-val") ? gcry_pk_decrypt(&result, data, key->secret)
                                      : gcry_pk_sign(&result, data, key->secret);
    if (!err)
        err = token_sexp_append(out, result, strstr(form, "enc-val") ? "value" : "s", width);
    gcry_mpi_release(number);
    gcry_sexp_release(data);
    gcry_sexp_release(result);
    return err;
}

/* RFC 8017 §7.2.2: 00 02, at least eight octets that are not 00, 00, message. */
static bool rsa_unpad(struct view block, struct view *message)
{
    size_t i = 2;

    if (block.len < 11 || block.data[0] != 0x00 || block.data[1] != 0x02)
        return false;
    while (i < block.len && block.data[i])
        i++;
    if (i < 10 || i == block.len)
        return false;
    *message = view_of(block.data + i + 1, block.len - i - 1);
    return true;
}

static uint16_t rsa_decipher(const struct key *key, const struct algorithm *a, struct view data,
                             struct buffer *answer)
{
    struct buffer block = BUFFER(RSA_BITS_MAX / 8);
    struct view message;
    uint16_t sw = SW_BAD_DATA;

    if (data.len != a->bits / 8)
        return SW_WRONG_LENGTH;
    if (!rsa_raw(key, "(enc-val (flags raw)(rsa (a %m)))", data, a->bits / 8, &block) &&
        rsa_unpad(buffer_view(&block), &message))
        sw = buffer_append_view(answer, message) ? SW_MEMORY : SW_OK;
    buffer_free(&block);
    return sw;
}

/* The other side's point out of A6 { 7F49 { 86 } }, and nothing beside it. */
static bool find_point(struct view data, struct view *point)
{
    struct view cipher, template;
    unsigned int tag;

    if (!token_tlv_take(&data, &tag, &cipher) || tag != CIPHER_DO || data.len)
        return false;
    if (!token_tlv_take(&cipher, &tag, &template) || tag != PUBLIC_KEY_DO || cipher.len)
        return false;
    return token_tlv_take(&template, &tag, point) && tag == EXTERNAL_POINT && template.len == 0;
}

/* The one way to write it: minimal lengths, and a point of the key's curve. */
static bool is_exact(const struct curve *curve, struct view data, struct view point)
{
    size_t wanted = curve->form == CURVE_MONTGOMERY ? curve->field : 1 + 2 * (size_t)curve->field;
    struct buffer inner = BUFFER(2 * FIELD_MAX + 16), middle = inner, whole = inner;
    bool exact = point.len == wanted && !token_tlv_append(&inner, EXTERNAL_POINT, point) &&
                 !token_tlv_append(&middle, PUBLIC_KEY_DO, buffer_view(&inner)) &&
                 !token_tlv_append(&whole, CIPHER_DO, buffer_view(&middle)) &&
                 view_equal(data, buffer_view(&whole));

    buffer_free(&inner);
    buffer_free(&middle);
    buffer_free(&whole);
    return exact;
}

static uint16_t ec_decipher(const struct token_profile *p, const struct key *key,
                            const struct algorithm *a, struct view data, struct buffer *answer)
{
    bool whole = p->ecdh_koblitz_whole && strcmp(a->curve->name, "secp256k1") == 0;
    struct view point;

    if (!find_point(data, &point))
        return SW_BAD_DATA;
    if (p->ecdh_exact && !is_exact(a->curve, data, point))
        return SW_WRONG_LENGTH;
    return token_ecdh(a->curve, buffer_view(&key->d), point, whole, answer) ? SW_BAD_DATA : SW_OK;
}

/* CBC with a first vector of zeros under DO D5. */
static uint16_t aes(const struct token *t, bool encrypt, struct view data, struct buffer *answer)
{
    const struct buffer *key = &t->card.objects[OBJECT_AES_KEY];
    int algo = key->len == 16 ? GCRY_CIPHER_AES128 : GCRY_CIPHER_AES256;
    uint8_t *out = buffer_reserve(answer, data.len);
    gcry_cipher_hd_t hd;
    gpg_error_t err;

    if (key->len == 0)
        return SW_NOT_FOUND;
    if (data.len == 0 || data.len % AES_BLOCK)
        return SW_WRONG_LENGTH;
    if (!out || gcry_cipher_open(&hd, algo, GCRY_CIPHER_MODE_CBC, 0))
        return SW_MEMORY;
    err = gcry_cipher_setkey(hd, key->data, key->len);
    if (!err && encrypt)
        err = gcry_cipher_encrypt(hd, out, data.len, data.data, data.len);
    else if (!err)
        err = gcry_cipher_decrypt(hd, out, data.len, data.data, data.len);
    gcry_cipher_close(hd);
    if (!err)
        answer->len += data.len;
    return err ? SW_FAILED : SW_OK;
}

static uint16_t decipher(struct token *t, struct view data, struct buffer *answer)
{
    const struct key *key = &t->card.keys[t->decrypt_with];
    struct algorithm algorithm;
    uint8_t first;

    if (!token_may(t, ACCESS_PW1))
        return SW_NOT_ALLOWED;
    if (data.len && data.data[0] == PADDING_AES && token_can(t, CAN_AES))
        return aes(t, false, view_of(data.data + 1, data.len - 1), answer);
    if (!token_key_present(key))
        return SW_NOT_FOUND;
    if (!find_algorithm(key, &algorithm) || data.len == 0)
        return SW_WRONG_LENGTH;
    if (!touched(t, key))
        return no_touch(t);
    if (algorithm.id != ALGORITHM_RSA)
        return ec_decipher(t->options.profile, key, &algorithm, data, answer);
    if (!view_u8(&data, &first) || first != PADDING_RSA)
        return SW_BAD_DATA;
    return rsa_decipher(key, &algorithm, data, answer);
}

static uint16_t encipher(struct token *t, struct view data, struct buffer *answer)
{
    if (!token_can(t, CAN_AES))
        return SW_BAD_PARAMETERS;
    if (!token_may(t, ACCESS_PW1))
        return SW_NOT_ALLOWED;
    if (buffer_append_u8(answer, PADDING_AES))
        return SW_MEMORY;
    return aes(t, true, data, answer);
}

/* RFC 8017 §9.2: 00 01 FF ... FF 00 DigestInfo; DigestInfo at most 40 % of it (§7.2.10). */
static uint16_t rsa_sign(const struct token_profile *p, const struct key *key,
                         const struct algorithm *a, struct view info, struct buffer *answer)
{
    struct buffer signature = BUFFER(RSA_BITS_MAX / 8);
    uint8_t block[RSA_BITS_MAX / 8];
    uint16_t sw = SW_FAILED;
    struct view value;
    size_t width = a->bits / 8;

    if (info.len == 0 || info.len > width * 2 / 5)
        return SW_WRONG_LENGTH;
    memset(block, 0xFF, width);
    block[0] = 0x00;
    block[1] = 0x01;
    block[width - info.len - 1] = 0x00;
    memcpy(block + width - info.len, info.data, info.len);
    if (!rsa_raw(key, "(data (flags raw)(value %m))", view_of(block, width), width, &signature)) {
        value = buffer_view(&signature);
        if (p->signature_loses_zero)
            value = view_strip_zeros(value);
        sw = buffer_append_view(answer, value) ? SW_MEMORY : SW_OK;
    }
    buffer_free(&signature);
    return sw;
}

/* r and s side by side, each as long as the field. */
static uint16_t ec_sign_data(const struct key *key, const struct algorithm *a, gcry_sexp_t data,
                             struct buffer *answer)
{
    gcry_sexp_t signature = NULL;
    gpg_error_t err;

    err = gcry_pk_sign(&signature, data, key->secret);
    if (!err)
        err = token_sexp_append(answer, signature, "r", a->curve->field);
    if (!err)
        err = token_sexp_append(answer, signature, "s", a->curve->field);
    gcry_sexp_release(signature);
    return err ? SW_FAILED : SW_OK;
}

static uint16_t ec_sign(const struct key *key, const struct algorithm *a, struct view hash,
                        struct buffer *answer)
{
    gcry_sexp_t data = NULL;
    gcry_mpi_t number = NULL;
    gpg_error_t err;
    uint16_t sw;

    if (hash.len == 0)
        return SW_WRONG_LENGTH;
    if (a->curve->form == CURVE_EDWARDS) {
        err = gcry_sexp_build(&data, NULL, "(data (flags eddsa)(hash-algo sha512)(value %b))",
                              (int)hash.len, hash.data);
    } else {
        /* FIPS 186-4 §6.4: the leftmost bits; all orders but that of P-521 fill their octets, and
         * no hash is longer than that one. */
        if (hash.len > a->curve->field)
            hash.len = a->curve->field;
        err = token_mpi_scan(hash, &number);
        if (!err)
            err = gcry_sexp_build(&data, NULL, "(data (flags raw)(value %m))", number);
    }
    sw = err ? SW_MEMORY : ec_sign_data(key, a, data, answer);
    gcry_mpi_release(number);
    gcry_sexp_release(data);
    return sw;
}

static uint16_t sign_with(struct token *t, enum slot slot, struct view data, struct buffer *answer)
{
    const struct key *key = &t->card.keys[slot];
    struct algorithm algorithm;

    if (!token_key_present(key))
        return SW_NOT_FOUND;
    if (!find_algorithm(key, &algorithm) || !key->secret)
        return SW_CONDITIONS;
    if (!touched(t, key))
        return no_touch(t);
    if (algorithm.id == ALGORITHM_RSA)
        return rsa_sign(t->options.profile, key, &algorithm, data, answer);
    return ec_sign(key, &algorithm, data, answer);
}

static uint16_t compute_signature(struct token *t, struct view data, struct buffer *answer)
{
    uint16_t sw;

    if (!token_verified(t, VERIFIED_PW1_SIGN))
        return SW_NOT_ALLOWED;
    sw = sign_with(t, SLOT_SIGN, data, answer);
    if (sw != SW_OK)
        return sw;
    if (t->card.signatures < SIGNATURES_MAX)
        t->card.signatures++;
    if (!t->card.pw1_for_several)
        t->verified[VERIFIED_PW1_SIGN] = false;
    return SW_OK;
}

uint16_t token_perform_security_operation(struct token *t, const struct command *c,
                                          struct buffer *answer)
{
    switch (c->p1 << 8 | c->p2) {
    case PSO_SIGN:
        return compute_signature(t, c->data, answer);
    case PSO_DECIPHER:
        return decipher(t, c->data, answer);
    case PSO_ENCIPHER:
        return encipher(t, c->data, answer);
    default:
        return SW_BAD_PARAMETERS;
    }
}

uint16_t token_internal_authenticate(struct token *t, const struct command *c,
                                     struct buffer *answer)
{
    if (c->p1 || c->p2)
        return SW_BAD_PARAMETERS;
    if (!token_may(t, ACCESS_PW1))
        return SW_NOT_ALLOWED;
    return sign_with(t, t->authenticate_with, c->data, answer);
}

/* Binds key 2 or 3 to DECIPHER or INTERNAL AUTHENTICATE until the next selection. */
uint16_t token_manage_security_environment(struct token *t, const struct command *c,
                                           struct buffer *answer)
{
    static const uint8_t reference[] = { 0x83, 0x01 };
    enum slot slot;

    (void)answer;
    if (t->capabilities[EXTENDED_CAP_LEN - 1] != CAN_MSE)
        return SW_NO_INSTRUCTION;
    if (c->p1 != 0x41 || (c->p2 != 0xB8 && c->p2 != 0xA4))
        return SW_BAD_PARAMETERS;
    if (c->data.len != 3)
        return SW_WRONG_LENGTH;
    if (memcmp(c->data.data, reference, sizeof reference) != 0 ||
        (c->data.data[2] != 2 && c->data.data[2] != 3))
        return SW_BAD_DATA;
    slot = c->data.data[2] == 2 ? SLOT_DECRYPT : SLOT_AUTHENTICATE;
    if (c->p2 == 0xB8)
        t->decrypt_with = slot;
    else
        t->authenticate_with = slot;
    return SW_OK;
}
