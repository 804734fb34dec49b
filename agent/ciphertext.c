#include "agent/ciphertext.h"

#include <gcrypt.h>
#include <string.h>

#define NATIVE_POINT_PREFIX 0x40

/* Copies the octets of (name octets) in list; false when absent, empty or longer than max. */
static bool copy_field(gcry_sexp_t list, const char *name, uint8_t *out, size_t max, size_t *len)
{
    gcry_sexp_t field = gcry_sexp_find_token(list, name, 0);
    const char *data;
    bool ok = false;
    size_t n;

    data = field ? gcry_sexp_nth_data(field, 1, &n) : NULL;
    if (data && n > 0 && n <= max) {
        memcpy(out, data, n);
        *len = n;
        ok = true;
    }
    gcry_sexp_release(field);
    return ok;
}

/* Reads an algorithm id written in decimal digits. */
static bool read_id(gcry_sexp_t list, const char *name, int *id)
{
    uint8_t digits[3];
    size_t len;
    int value = 0;

    if (!copy_field(list, name, digits, sizeof digits, &len))
        return false;
    for (size_t i = 0; i < len; i++) {
        if (digits[i] < '0' || digits[i] > '9')
            return false;
        value = value * 10 + (digits[i] - '0');
    }
    *id = value;
    return true;
}

static gpg_error_t parse_rsa(gcry_sexp_t rsa, struct ciphertext *c)
{
    uint8_t number[RSA_OCTETS_MAX + 1]; /* signed: a zero octet may stand before the number */
    struct view v;
    size_t len;

    if (!copy_field(rsa, "a", number, sizeof number, &len))
        return gpg_error(GPG_ERR_INV_DATA);
    v = view_strip_zeros(view_of(number, len));
    if (v.len == 0 || v.len > sizeof c->data)
        return gpg_error(GPG_ERR_INV_DATA);
    c->kind = CIPHERTEXT_RSA;
    memcpy(c->data, v.data, v.len);
    c->len = v.len;
    return 0;
}

/* OpenPGP puts a length octet before the wrapped key (RFC 6637 §8), CMS does not. */
static gpg_error_t parse_wrapped(gcry_sexp_t ecc, enum kem kem, struct ciphertext *c)
{
    uint8_t field[1 + WRAPPED_KEY_MAX];
    struct view v;
    uint8_t stated;
    size_t len;

    if (!copy_field(ecc, "s", field, kem == KEM_PGP ? sizeof field : WRAPPED_KEY_MAX, &len))
        return gpg_error(GPG_ERR_INV_DATA);
    v = view_of(field, len);
    if (kem == KEM_PGP && (!view_u8(&v, &stated) || stated != v.len))
        return gpg_error(GPG_ERR_INV_DATA);
    if (v.len < WRAPPED_KEY_MIN || v.len % 8 != 0)
        return gpg_error(GPG_ERR_INV_DATA);
    memcpy(c->wrapped, v.data, v.len);
    c->key.wrapped = view_of(c->wrapped, v.len);
    return 0;
}

static gpg_error_t parse_kem(gcry_sexp_t ecc, enum kem kem, struct ciphertext *c)
{
    size_t len;

    if (!read_id(ecc, "c", &c->key.cipher) || !read_id(ecc, "h", &c->key.hash) ||
        !copy_field(ecc, "kdf-params", c->kdf_params, sizeof c->kdf_params, &len))
        return gpg_error(GPG_ERR_INV_DATA);
    c->key.kdf_params = view_of(c->kdf_params, len);
    return parse_wrapped(ecc, kem, c);
}

static gpg_error_t parse_ecdh(gcry_sexp_t ecdh, enum kem kem, struct ciphertext *c)
{
    c->kind = CIPHERTEXT_ECDH;
    if (!copy_field(ecdh, "e", c->data, POINT_OCTETS_MAX, &c->len))
        return gpg_error(GPG_ERR_INV_DATA);
    return kem == KEM_NONE ? 0 : parse_kem(ecdh, kem, c);
}

/* The views of a ciphertext that moved. */
static void move(struct ciphertext *to, const struct ciphertext *from)
{
    *to = *from;
    to->key.kdf_params.data = to->kdf_params;
    to->key.wrapped.data = to->wrapped;
}

/* gpgsm says (flags oaep) for a padding that no OpenPGP card takes off. */
static bool asks_for_oaep(gcry_sexp_t list)
{
    gcry_sexp_t flags = gcry_sexp_find_token(list, "flags", 0);
    bool found = false;
    size_t len;

    for (int i = 1; i < gcry_sexp_length(flags) && !found; i++) {
        const char *flag = gcry_sexp_nth_data(flags, i, &len);

        found = flag && len == 4 && memcmp(flag, "oaep", 4) == 0;
    }
    gcry_sexp_release(flags);
    return found;
}

static gpg_error_t parse_list(gcry_sexp_t list, enum kem kem, struct ciphertext *c)
{
    gcry_sexp_t rsa = gcry_sexp_find_token(list, "rsa", 0);
    gcry_sexp_t ecdh = gcry_sexp_find_token(list, kem == KEM_NONE ? "ecdh" : "ecc", 0);
    gpg_error_t err;

    if (asks_for_oaep(list))
        err = gpg_error(GPG_ERR_UNSUPPORTED_ALGORITHM);
    else if (rsa && kem == KEM_NONE)
        err = parse_rsa(rsa, c);
    else if (ecdh)
        err = parse_ecdh(ecdh, kem, c);
    else
        err = gpg_error(GPG_ERR_UNSUPPORTED_ALGORITHM);
    gcry_sexp_release(rsa);
    gcry_sexp_release(ecdh);
    return err;
}

gpg_error_t ciphertext_parse(struct view bytes, enum kem kem, struct ciphertext *r_c)
{
    struct ciphertext c = { 0 };
    gcry_sexp_t sexp = NULL;
    gcry_sexp_t list = NULL;
    gpg_error_t err;

    if (bytes.len == 0 || bytes.len > CIPHERTEXT_MAX)
        return gpg_error(bytes.len ? GPG_ERR_TOO_LARGE : GPG_ERR_INV_SEXP);
    if (gcry_sexp_new(&sexp, bytes.data, bytes.len, 1))
        return gpg_error(GPG_ERR_INV_SEXP);
    list = gcry_sexp_find_token(sexp, "enc-val", 0);
    err = list ? parse_list(list, kem, &c) : gpg_error(GPG_ERR_INV_SEXP);
    if (!err)
        move(r_c, &c);
    gcry_sexp_release(list);
    gcry_sexp_release(sexp);
    return err;
}

gpg_error_t ciphertext_point(const struct ciphertext *c, const struct curve *curve, uint8_t *out,
                             size_t *len)
{
    struct view point = view_of(c->data, c->len);
    size_t width = curve_point_octets(curve);

    /* 40 marks a bare coordinate; old writers put 00 there, or lost leading zeros with the mark. */
    if (curve->montgomery && point.len == width + 1 &&
        (point.data[0] == NATIVE_POINT_PREFIX || point.data[0] == 0))
        point = view_of(point.data + 1, width);
    if (point.len > width || (point.len < width && !curve->montgomery))
        return gpg_error(GPG_ERR_INV_DATA);
    memset(out, 0, width - point.len);
    memcpy(out + width - point.len, point.data, point.len);
    *len = width;
    return 0;
}
