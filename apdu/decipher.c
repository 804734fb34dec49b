#include "apdu/decipher.h"

#include "apdu/point.h"
#include "apdu/tlv.h"

#include <string.h>

#define PADDING_RSA    0x00
#define PKCS1_OVERHEAD 11

#define TAG_CIPHER     0xa6
#define TAG_PUBLIC_KEY 0x7f49
#define TAG_POINT      0x86

static gpg_error_t encode_rsa(const struct public_key *key, struct view cryptogram,
                              struct buffer *data)
{
    struct view number = view_strip_zeros(cryptogram);
    gpg_error_t err;

    if (number.len == 0 || number.len > key->n.len ||
        (number.len == key->n.len && memcmp(number.data, key->n.bytes, number.len) >= 0))
        return gpg_error(GPG_ERR_INV_DATA);
    err = buffer_append_u8(data, PADDING_RSA);
    for (size_t i = number.len; i < key->n.len && !err; i++)
        err = buffer_append_u8(data, 0);
    return err ? err : buffer_append_view(data, number);
}

/* A6 { 7F49 { 86 point } }, every length minimal: some cards parse by position. */
static gpg_error_t encode_point(const struct public_key *key, struct view point,
                                struct buffer *data)
{
    struct buffer inner = BUFFER(POINT_OCTETS_MAX + 16);
    struct buffer middle = BUFFER(POINT_OCTETS_MAX + 16);
    gpg_error_t err = point_check(key->algorithm.curve, point);

    /* Nobody is to type a PIN or touch a token for a secret that is none. */
    if (!err && point_has_small_order(key->algorithm.curve, point))
        err = gpg_error(GPG_ERR_INV_DATA);
    if (!err)
        err = tlv_append(&inner, TAG_POINT, point);
    if (!err)
        err = tlv_append(&middle, TAG_PUBLIC_KEY, buffer_view(&inner));
    if (!err)
        err = tlv_append(data, TAG_CIPHER, buffer_view(&middle));
    buffer_free(&inner);
    buffer_free(&middle);
    return err;
}

gpg_error_t decipher_encode(const struct public_key *key, struct view ciphertext,
                            struct buffer *data)
{
    switch (key->algorithm.kind) {
    case KEY_RSA:
        return encode_rsa(key, ciphertext, data);
    case KEY_ECDH:
        return encode_point(key, ciphertext, data);
    default:
        return gpg_error(GPG_ERR_WRONG_KEY_USAGE);
    }
}

static bool all_zero(const struct secret *s)
{
    unsigned char seen = 0;

    for (size_t i = 0; i < s->len; i++)
        seen |= s->data[i];
    return seen == 0;
}

/* Cards answer with x, with 04 x y, or with x less its leading zeros. An x may begin with 04, so
 * only the length tells. */
static gpg_error_t decode_point(const struct curve *curve, struct view answer, struct secret *plain)
{
    size_t width = curve->field_octets;
    struct secret x = { 0 };
    gpg_error_t err;

    if (!curve->montgomery && answer.len == 1 + 2 * width && answer.data[0] == 0x04)
        answer = view_of(answer.data + 1, width);
    if (answer.len == 0 || answer.len > width || (curve->montgomery && answer.len != width))
        return gpg_error(GPG_ERR_CARD);
    err = secret_new(&x, width);
    if (err)
        return err;
    memcpy(x.data + width - answer.len, answer.data, answer.len);
    if (curve->montgomery && all_zero(&x)) {
        secret_free(&x);
        return gpg_error(GPG_ERR_INV_DATA);
    }
    secret_move(plain, &x);
    return 0;
}

/* PKCS #1 v1.5 takes 11 octets of the modulus' length (RFC 8017 §7.2). Its message may be empty;
 * whoever made it so learns no more than from any other that opens nothing. */
static gpg_error_t decode_rsa(const struct public_key *key, struct view answer,
                              struct secret *plain)
{
    if (answer.len == 0)
        return gpg_error(GPG_ERR_DECRYPT_FAILED);
    if (answer.len + PKCS1_OVERHEAD > key->n.len)
        return gpg_error(GPG_ERR_CARD);
    return secret_copy(plain, answer);
}

gpg_error_t decipher_decode(const struct public_key *key, struct view answer, struct secret *plain)
{
    switch (key->algorithm.kind) {
    case KEY_RSA:
        return decode_rsa(key, answer, plain);
    case KEY_ECDH:
        return decode_point(key->algorithm.curve, answer, plain);
    default:
        return gpg_error(GPG_ERR_WRONG_KEY_USAGE);
    }
}
