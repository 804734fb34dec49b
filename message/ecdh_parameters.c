#include "message/ecdh_parameters.h"

#include <gcrypt.h>
#include <string.h>

#define BODY_MAX     512
#define POINT_NATIVE 0x40 /* RFC 9580 §11.2.2: what follows is in the curve's own form */

/* The ways in which a point was ever written as a number: with the prefix; bare, its leading zero
 * bits not counted (GnuPG's X448); bare, all its octets counted. */
enum point_form { FORM_PREFIXED, FORM_BARE, FORM_BARE_WHOLE, FORMS };

static unsigned leading_zero_bits(uint8_t octet)
{
    unsigned n = 0;

    while (n < 8 && !(octet & 0x80U >> n))
        n++;
    return n;
}

static gpg_error_t append_point(struct buffer *body, struct view point, enum point_form form)
{
    /* 04 x y has an odd length; a bare coordinate has not, and may well begin with 04. */
    bool prefix = form == FORM_PREFIXED && point.len % 2 == 0;
    uint8_t first = prefix ? POINT_NATIVE : point.data[0];
    size_t bits = (point.len + prefix) * 8;
    gpg_error_t err;

    if (form != FORM_BARE_WHOLE)
        bits -= leading_zero_bits(first);
    err = buffer_append_u16(body, (uint16_t)bits);
    if (!err && prefix)
        err = buffer_append_u8(body, POINT_NATIVE);
    if (!err)
        err = buffer_append_view(body, point);
    return err;
}

/* Everything of the key packet up to hash and cipher, with what a fingerprint begins with. */
static gpg_error_t make_body(uint32_t created, struct view oid, struct view point,
                             enum point_form form, struct buffer *body)
{
    gpg_error_t err;

    buffer_clear(body);
    err = buffer_append(body, "\x99\0\0\x04", 4);
    if (!err)
        err = buffer_append_u32(body, created);
    if (!err)
        err = buffer_append_u8(body, ALGORITHM_ECDH);
    if (!err)
        err = buffer_append_u8(body, (uint8_t)oid.len);
    if (!err)
        err = buffer_append_view(body, oid);
    if (!err)
        err = append_point(body, point, form);
    if (!err)
        err = buffer_append(body, "\x03\x01\0\0", 4);
    if (!err) {
        body->data[1] = (uint8_t)((body->len - 3) >> 8);
        body->data[2] = (uint8_t)(body->len - 3);
    }
    return err;
}

static bool try_pairs(struct buffer *body, const uint8_t *fingerprint,
                      struct ecdh_parameters *found)
{
    static const uint8_t hashes[] = { HASH_SHA256, HASH_SHA384, HASH_SHA512 };
    static const uint8_t ciphers[] = { 7, 8, 9 };
    uint8_t digest[FINGERPRINT_OCTETS_V4];
    uint8_t *pair = body->data + body->len - 2;

    for (size_t i = 0; i < sizeof hashes * sizeof ciphers; i++) {
        pair[0] = hashes[i / sizeof ciphers];
        pair[1] = ciphers[i % sizeof ciphers];
        gcry_md_hash_buffer(GCRY_MD_SHA1, digest, body->data, body->len);
        if (memcmp(digest, fingerprint, sizeof digest))
            continue;
        *found = (struct ecdh_parameters){ .hash = pair[0], .cipher = pair[1] };
        return true;
    }
    return false;
}

gpg_error_t ecdh_parameters_find(uint32_t created, struct view oid, struct view point,
                                 const uint8_t fingerprint[FINGERPRINT_OCTETS_V4],
                                 struct ecdh_parameters *found)
{
    struct buffer body = BUFFER(BODY_MAX);
    gpg_error_t err = 0;
    bool done = false;

    if (!oid.len || oid.len > UINT8_MAX || !point.len || point.len > PKESK_POINT_OCTETS_MAX)
        return gpg_error(GPG_ERR_INV_ARG);
    for (int form = 0; form < FORMS && !err && !done; form++) {
        err = make_body(created, oid, point, (enum point_form)form, &body);
        done = !err && try_pairs(&body, fingerprint, found);
    }
    buffer_free(&body);
    if (!err && !done)
        err = gpg_error(GPG_ERR_NOT_FOUND);
    return err;
}
