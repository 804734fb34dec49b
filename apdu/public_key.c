#include "apdu/public_key.h"

#include "apdu/point.h"
#include "apdu/tlv.h"

#include <string.h>

#define TAG_PUBLIC_KEY 0x7f49
#define TAG_MODULUS    0x81
#define TAG_EXPONENT   0x82
#define TAG_POINT      0x86

#define NATIVE_POINT_PREFIX 0x40 /* how OpenPGP marks a bare coordinate (RFC 9580 §11.2.2) */

static gpg_error_t parse_rsa(struct view content, struct public_key *key)
{
    gpg_error_t bad = gpg_error(GPG_ERR_BAD_PUBKEY);
    struct view n, e;

    if (!tlv_find(content, TAG_MODULUS, &n) || !tlv_find(content, TAG_EXPONENT, &e))
        return bad;
    n = view_strip_zeros(n);
    e = view_strip_zeros(e);
    if (n.len != key->algorithm.rsa_bits / 8 || !(n.data[0] & 0x80) || !(n.data[n.len - 1] & 1))
        return bad;
    if (e.len == 0 || e.len > sizeof key->e.bytes || !(e.data[e.len - 1] & 1) ||
        (e.len == 1 && e.data[0] == 1))
        return bad;
    memcpy(key->n.bytes, n.data, n.len);
    key->n.len = n.len;
    memcpy(key->e.bytes, e.data, e.len);
    key->e.len = e.len;
    return 0;
}

static gpg_error_t parse_point(struct view content, struct public_key *key)
{
    const struct curve *curve = key->algorithm.curve;
    struct view q;

    if (!tlv_find(content, TAG_POINT, &q))
        return gpg_error(GPG_ERR_BAD_PUBKEY);
    if ((curve->montgomery || curve->edwards) && q.len == curve->field_octets + 1 &&
        q.data[0] == NATIVE_POINT_PREFIX)
        q = view_of(q.data + 1, q.len - 1);
    if (point_check(curve, q))
        return gpg_error(GPG_ERR_BAD_PUBKEY);
    memcpy(key->q.bytes, q.data, q.len);
    key->q.len = q.len;
    return 0;
}

static gpg_error_t compute_keygrip(struct public_key *key)
{
    gcry_sexp_t sexp;
    gpg_error_t err = public_key_sexp(key, &sexp);

    if (err)
        return err;
    if (!gcry_pk_get_keygrip(sexp, key->keygrip))
        err = gpg_error(GPG_ERR_BAD_PUBKEY);
    gcry_sexp_release(sexp);
    return err;
}

gpg_error_t public_key_parse(struct view answer, const struct key_algorithm *algorithm,
                             struct public_key *key)
{
    struct view content = tlv_content(answer, TAG_PUBLIC_KEY, 0);
    struct public_key parsed = { .algorithm = *algorithm };
    gpg_error_t err;

    if (algorithm->kind == KEY_RSA)
        err = parse_rsa(content, &parsed);
    else if (algorithm->curve)
        err = parse_point(content, &parsed);
    else
        err = gpg_error(GPG_ERR_PUBKEY_ALGO);
    if (!err)
        err = compute_keygrip(&parsed);
    if (!err)
        *key = parsed;
    return err;
}

gpg_error_t public_key_write(const struct public_key *key, struct buffer *object)
{
    struct buffer content = BUFFER(2 * RSA_OCTETS_MAX);
    gpg_error_t err;

    if (key->algorithm.kind == KEY_RSA) {
        err = tlv_append(&content, TAG_MODULUS, view_of(key->n.bytes, key->n.len));
        if (!err)
            err = tlv_append(&content, TAG_EXPONENT, view_of(key->e.bytes, key->e.len));
    } else {
        err = tlv_append(&content, TAG_POINT, view_of(key->q.bytes, key->q.len));
    }
    if (!err)
        err = tlv_append(object, TAG_PUBLIC_KEY, buffer_view(&content));
    buffer_free(&content);
    return err;
}

static gpg_error_t curve_sexp(const struct public_key *key, gcry_sexp_t *r_sexp)
{
    const struct curve *curve = key->algorithm.curve;
    const char *format = "(public-key (ecc (curve %s) (q %b)))";
    uint8_t q[1 + POINT_OCTETS_MAX];
    size_t len = 0;

    if (curve->montgomery && curve->field_octets == 32) {
        format = "(public-key (ecc (curve %s) (flags djb-tweak) (q %b)))";
        q[len++] = NATIVE_POINT_PREFIX;
    } else if (curve->edwards && curve->field_octets == 32) {
        format = "(public-key (ecc (curve %s) (flags eddsa) (q %b)))";
        q[len++] = NATIVE_POINT_PREFIX;
    }
    memcpy(q + len, key->q.bytes, key->q.len);
    len += key->q.len;
    return gcry_sexp_build(r_sexp, NULL, format, curve->name, (int)len, q);
}

static gpg_error_t rsa_sexp(const struct public_key *key, gcry_sexp_t *r_sexp)
{
    gcry_mpi_t n = NULL;
    gcry_mpi_t e = NULL;
    gpg_error_t err = gcry_mpi_scan(&n, GCRYMPI_FMT_USG, key->n.bytes, key->n.len, NULL);

    if (!err)
        err = gcry_mpi_scan(&e, GCRYMPI_FMT_USG, key->e.bytes, key->e.len, NULL);
    if (!err)
        err = gcry_sexp_build(r_sexp, NULL, "(public-key (rsa (n %m) (e %m)))", n, e);
    gcry_mpi_release(n);
    gcry_mpi_release(e);
    return err;
}

gpg_error_t public_key_sexp(const struct public_key *key, gcry_sexp_t *r_sexp)
{
    return key->algorithm.kind == KEY_RSA ? rsa_sexp(key, r_sexp) : curve_sexp(key, r_sexp);
}
