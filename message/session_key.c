#include "message/session_key.h"
#include "base/text.h"
#include "message/ecdh_kdf.h"
#include "message/symmetric.h"

#include <stdio.h>
#include <string.h>

#define CHECKSUM_OCTETS 2

static gpg_error_t wrong(void)
{
    return gpg_error(GPG_ERR_DECRYPT_FAILED);
}

static gpg_error_t take_key(uint8_t cipher, struct view octets, struct session_key *key)
{
    struct secret copy = { 0 };
    gpg_error_t err = secret_copy(&copy, octets);

    if (err)
        return err;
    session_key_free(key);
    key->cipher = cipher;
    secret_move(&key->key, &copy);
    return 0;
}

/* RFC 9580 §5.1.3: in version 3 the cipher, then in both the key and the sum of its octets. All
 * that can be wrong is looked at before anything is said of it. */
static gpg_error_t from_payload(const struct pkesk *p, struct view payload, struct session_key *key)
{
    const struct symmetric *cipher = NULL;
    uint8_t id = 0;
    unsigned sum = 0;
    bool good = true;
    struct view octets;

    if (p->version == 3 && !view_u8(&payload, &id))
        return wrong();
    if (payload.len < CHECKSUM_OCTETS)
        return wrong();
    octets = view_of(payload.data, payload.len - CHECKSUM_OCTETS);
    for (size_t i = 0; i < octets.len; i++)
        sum += octets.data[i];
    if (p->version == 3) {
        cipher = symmetric_by_id(id);
        good = cipher && octets.len == cipher->key_octets;
    } else {
        good = octets.len == 16 || octets.len == 24 || octets.len == SYMMETRIC_KEY_MAX;
    }
    good &= payload.data[octets.len] == (sum >> 8 & 0xff);
    good &= payload.data[octets.len + 1] == (sum & 0xff);
    return good ? take_key(id, octets, key) : wrong();
}

/* RFC 9580 §11.5: the last octet counts the padding, which repeats it. */
gpg_error_t session_key_from_frame(const struct pkesk *p, const struct secret *frame,
                                   struct session_key *key)
{
    unsigned difference = 0;
    uint8_t padding;

    if (!frame->len)
        return wrong();
    padding = frame->data[frame->len - 1];
    if (!padding || padding > frame->len)
        return wrong();
    for (size_t i = frame->len - padding; i < frame->len; i++)
        difference |= (unsigned)(frame->data[i] ^ padding);
    if (difference)
        return wrong();
    return from_payload(p, view_of(frame->data, frame->len - padding), key);
}

static gpg_error_t open_ecdh(const struct pkesk *p, const struct recipient *recipient,
                             const struct secret *z, struct session_key *key)
{
    struct secret frame = { 0 };
    gpg_error_t err;

    if (!recipient)
        return gpg_error(GPG_ERR_INV_ARG);
    err = ecdh_unwrap_frame(p, recipient, z, &frame);
    if (!err)
        err = session_key_from_frame(p, &frame, key);
    secret_free(&frame);
    return err;
}

/* RFC 9580 §5.1.6, §5.1.7: no checksum, no padding, and in version 3 the cipher in clear. */
static gpg_error_t open_montgomery(const struct pkesk *p, const struct recipient *recipient,
                                   const struct secret *z, struct session_key *key)
{
    const struct symmetric *cipher = symmetric_by_id(p->cipher);
    struct secret octets = { 0 };
    gpg_error_t err;

    if (!recipient)
        return gpg_error(GPG_ERR_INV_ARG);
    err = montgomery_unwrap(p, recipient->point, z, &octets);
    if (!err && p->version == 3 && (!cipher || cipher->key_octets != octets.len))
        err = wrong();
    if (!err)
        err = take_key(p->cipher, secret_view(&octets), key);
    secret_free(&octets);
    return err;
}

gpg_error_t session_key_open(const struct pkesk *p, const struct recipient *recipient,
                             const struct secret *result, struct session_key *key)
{
    if (!p->on_token)
        return gpg_error(GPG_ERR_UNSUPPORTED_ALGORITHM);
    switch (p->algorithm) {
    case ALGORITHM_RSA:
    case ALGORITHM_RSA_ENCRYPT_ONLY:
        return from_payload(p, secret_view(result), key);
    case ALGORITHM_ECDH:
        return open_ecdh(p, recipient, result, key);
    default:
        return open_montgomery(p, recipient, result, key);
    }
}

/* Reads "9:" or, as gpg has it for packet 20, "9.2:". Returns what is behind it; NULL when it is
 * neither. */
static const char *parse_cipher(const char *text, long *id)
{
    size_t digits = strspn(text, "0123456789");
    size_t mode = text[digits] == '.' ? 1 + strspn(text + digits + 1, "0123456789") : 0;
    char number[4] = "";

    if (digits >= sizeof number || mode == 1 || text[digits + mode] != ':')
        return NULL;
    memcpy(number, text, digits);
    return text_to_number(number, 0, UINT8_MAX, id) ? text + digits + mode + 1 : NULL;
}

gpg_error_t session_key_parse(const char *text, struct session_key *key)
{
    uint8_t octets[SYMMETRIC_KEY_MAX];
    const struct symmetric *cipher;
    gpg_error_t err = 0;
    size_t len = 0;
    const char *hex;
    long id;

    hex = parse_cipher(text, &id);
    if (!hex || !hex_decode(hex, strlen(hex), octets, sizeof octets, &len))
        err = gpg_error(GPG_ERR_INV_DATA);
    if (!err && id) {
        cipher = symmetric_by_id((uint8_t)id);
        if (!cipher)
            err = gpg_error(GPG_ERR_CIPHER_ALGO);
        else if (cipher->key_octets != len)
            err = gpg_error(GPG_ERR_INV_KEYLEN);
    }
    if (!err)
        err = take_key((uint8_t)id, view_of(octets, len), key);
    explicit_bzero(octets, sizeof octets);
    return err;
}

gpg_error_t session_key_text(const struct session_key *key, struct secret *text)
{
    struct secret out = { 0 };
    gpg_error_t err;
    int start;

    if (key->key.len > SYMMETRIC_KEY_MAX)
        return gpg_error(GPG_ERR_INV_KEYLEN);
    err = secret_new(&out, SESSION_KEY_TEXT_MAX);
    if (err)
        return err;
    start = snprintf((char *)out.data, out.len, "%u:", key->cipher);
    hex_encode(secret_view(&key->key), (char *)out.data + start);
    secret_truncate(&out, strlen((char *)out.data));
    secret_move(text, &out);
    return 0;
}

void session_key_free(struct session_key *key)
{
    secret_free(&key->key);
    key->cipher = 0;
}
