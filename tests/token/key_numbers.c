/* Secret numbers into keys that libgcrypt works with, and new numbers. */
#include "tests/token/card.h"
#include "tests/token/tlv.h"

#include <string.h>

#define PUBLIC_TEMPLATE 0x7F49 /* §7.2.14 */
#define TAG_MODULUS     0x81
#define TAG_EXPONENT    0x82
#define TAG_POINT       0x86

static gpg_error_t wrap_public(struct view inner, struct buffer *public_object)
{
    return token_tlv_append(public_object, PUBLIC_TEMPLATE, inner);
}

struct rsa {
    gcry_mpi_t n, e, d, p, q, u;
};

static void rsa_release(struct rsa *rsa)
{
    gcry_mpi_release(rsa->n);
    gcry_mpi_release(rsa->e);
    gcry_mpi_release(rsa->d);
    gcry_mpi_release(rsa->p);
    gcry_mpi_release(rsa->q);
    gcry_mpi_release(rsa->u);
}

/* Both primes must be odd and of about the same size, or arithmetic goes astray. */
static bool primes_plausible(const struct rsa *rsa, unsigned int bits)
{
    return gcry_mpi_test_bit(rsa->p, 0) && gcry_mpi_test_bit(rsa->q, 0) &&
           gcry_mpi_get_nbits(rsa->p) > bits / 2 - 16 && gcry_mpi_get_nbits(rsa->q) > bits / 2 - 16;
}

/* n, d and u from e, p and q, as libgcrypt orders them: p < q, u = 1/p mod q. */
static bool rsa_derive(struct rsa *rsa, unsigned int bits)
{
    gcry_mpi_t phi = gcry_mpi_new(0), q1 = gcry_mpi_new(0);
    bool ok;

    if (gcry_mpi_cmp(rsa->p, rsa->q) > 0)
        gcry_mpi_swap(rsa->p, rsa->q);
    rsa->n = gcry_mpi_new(0);
    rsa->d = gcry_mpi_new(0);
    rsa->u = gcry_mpi_new(0);
    gcry_mpi_mul(rsa->n, rsa->p, rsa->q);
    gcry_mpi_sub_ui(phi, rsa->p, 1);
    gcry_mpi_sub_ui(q1, rsa->q, 1);
    gcry_mpi_mul(phi, phi, q1);
    ok = gcry_mpi_get_nbits(rsa->n) == bits && gcry_mpi_invm(rsa->d, rsa->e, phi) &&
         gcry_mpi_invm(rsa->u, rsa->p, rsa->q);
    gcry_mpi_release(phi);
    gcry_mpi_release(q1);
    return ok;
}

static gpg_error_t rsa_public(const struct rsa *rsa, unsigned int bits, struct buffer *out)
{
    struct buffer inner = BUFFER(RSA_BITS_MAX / 8 + 16), number = BUFFER(RSA_BITS_MAX / 8);
    gpg_error_t err;

    err = token_mpi_append(&number, rsa->n, bits / 8);
    if (!err)
        err = token_tlv_append(&inner, TAG_MODULUS, buffer_view(&number));
    buffer_clear(&number);
    if (!err)
        err = token_mpi_append(&number, rsa->e, (gcry_mpi_get_nbits(rsa->e) + 7) / 8);
    if (!err)
        err = token_tlv_append(&inner, TAG_EXPONENT, buffer_view(&number));
    if (!err)
        err = wrap_public(buffer_view(&inner), out);
    buffer_free(&inner);
    buffer_free(&number);
    return err;
}

gpg_error_t token_rsa_build(const struct algorithm *algorithm, const struct key_parts *parts,
                            gcry_sexp_t *r_secret, struct buffer *public_object)
{
    struct rsa rsa = { 0 };
    gpg_error_t err;

    err = token_mpi_scan(parts->e, &rsa.e);
    if (!err)
        err = token_mpi_scan(parts->p, &rsa.p);
    if (!err)
        err = token_mpi_scan(parts->q, &rsa.q);
    if (!err && (gcry_mpi_get_nbits(rsa.e) < 2 || gcry_mpi_get_nbits(rsa.e) > algorithm->exponent ||
                 !primes_plausible(&rsa, algorithm->bits) || !rsa_derive(&rsa, algorithm->bits)))
        err = gpg_error(GPG_ERR_BAD_SECKEY);
    if (!err)
        err = gcry_sexp_build(r_secret, NULL,
                              "(private-key (rsa (n %m)(e %m)(d %m)(p %m)(q %m)(u %m)))", rsa.n,
                              rsa.e, rsa.d, rsa.p, rsa.q, rsa.u);
    if (!err)
        err = rsa_public(&rsa, algorithm->bits, public_object);
    rsa_release(&rsa);
    return err;
}

static gpg_error_t montgomery_point(const struct curve *curve, struct view d, struct buffer *q)
{
    uint8_t *out = buffer_reserve(q, curve->field);
    gpg_error_t err;

    if (!out)
        return gpg_error(GPG_ERR_ENOMEM);
    err = gcry_ecc_mul_point(token_montgomery_id(curve), out, d.data, NULL);
    if (!err)
        q->len += curve->field;
    return err;
}

/* In [1, n-1]? */
static bool scalar_in_range(gcry_ctx_t ctx, struct view d)
{
    gcry_mpi_t n = gcry_mpi_ec_get_mpi("n", ctx, 1);
    gcry_mpi_t k = NULL;
    bool ok;

    ok = n && !token_mpi_scan(d, &k) && gcry_mpi_cmp_ui(k, 0) > 0 && gcry_mpi_cmp(k, n) < 0;
    gcry_mpi_release(k);
    gcry_mpi_release(n);
    return ok;
}

static const char *point_name(const struct curve *curve)
{
    return curve->form == CURVE_EDWARDS ? "q@eddsa" : "q";
}

static gpg_error_t weierstrass_or_edwards_point(const struct curve *curve, struct view d,
                                                struct buffer *q)
{
    const char *flags = curve->form == CURVE_EDWARDS ? "eddsa" : "param";
    gcry_sexp_t bare = NULL;
    gcry_ctx_t ctx = NULL;
    gcry_mpi_t point = NULL;
    gpg_error_t err;
    const void *octets;
    unsigned int bits;

    err = gcry_sexp_build(&bare, NULL, "(private-key (ecc (curve %s)(flags %s)(d %b)))",
                          curve->name, flags, (int)d.len, d.data);
    if (!err)
        err = gcry_mpi_ec_new(&ctx, bare, NULL);
    if (!err && curve->form == CURVE_WEIERSTRASS && !scalar_in_range(ctx, d))
        err = gpg_error(GPG_ERR_BAD_SECKEY);
    if (!err && !(point = gcry_mpi_ec_get_mpi(point_name(curve), ctx, 1)))
        err = gpg_error(GPG_ERR_BAD_SECKEY);
    if (!err && (octets = gcry_mpi_get_opaque(point, &bits)))
        err = buffer_append(q, octets, (bits + 7) / 8);
    else if (!err)
        err = token_mpi_append(q, point, 1 + 2 * (size_t)curve->field);
    gcry_mpi_release(point);
    gcry_ctx_release(ctx);
    gcry_sexp_release(bare);
    return err;
}

static gpg_error_t ec_public(struct view q, struct buffer *out)
{
    struct buffer inner = BUFFER(2 * FIELD_MAX + 8);
    gpg_error_t err = token_tlv_append(&inner, TAG_POINT, q);

    if (!err)
        err = wrap_public(buffer_view(&inner), out);
    buffer_free(&inner);
    return err;
}

gpg_error_t token_ec_build(const struct curve *curve, struct view d, gcry_sexp_t *r_secret,
                           struct buffer *public_object)
{
    const char *flags = curve->form == CURVE_EDWARDS ? "eddsa" : "param";
    struct buffer q = BUFFER(1 + 2 * FIELD_MAX);
    gpg_error_t err;

    if (d.len != curve->field)
        return gpg_error(GPG_ERR_BAD_SECKEY);
    if (curve->form == CURVE_MONTGOMERY)
        err = montgomery_point(curve, d, &q);
    else
        err = weierstrass_or_edwards_point(curve, d, &q);
    if (!err && curve->form != CURVE_MONTGOMERY)
        err =
            gcry_sexp_build(r_secret, NULL, "(private-key (ecc (curve %s)(flags %s)(q %b)(d %b)))",
                            curve->name, flags, (int)q.len, q.data, (int)d.len, d.data);
    if (!err)
        err = ec_public(buffer_view(&q), public_object);
    buffer_free(&q);
    return err;
}

gpg_error_t token_rsa_generate(const struct algorithm *algorithm, struct buffer *e,
                               struct buffer *p, struct buffer *q)
{
    gcry_sexp_t wish = NULL, key = NULL;
    gpg_error_t err;

    err = gcry_sexp_build(&wish, NULL, "(genkey (rsa (nbits %u)(flags transient-key)))",
                          algorithm->bits);
    if (!err)
        err = gcry_pk_genkey(&key, wish);
    gcry_sexp_release(wish);
    if (!err)
        err = token_sexp_append(e, key, "e", 3);
    if (!err)
        err = token_sexp_append(p, key, "p", algorithm->bits / 16);
    if (!err)
        err = token_sexp_append(q, key, "q", algorithm->bits / 16);
    gcry_sexp_release(key);
    return err;
}

static bool scalar_fits(const struct curve *curve, struct view d)
{
    gcry_ctx_t ctx = NULL;
    bool ok;

    if (curve->form != CURVE_WEIERSTRASS)
        return true;
    ok = !gcry_mpi_ec_new(&ctx, NULL, curve->name) && scalar_in_range(ctx, d);
    gcry_ctx_release(ctx);
    return ok;
}

gpg_error_t token_ec_generate(const struct curve *curve, struct buffer *d)
{
    uint8_t *out = buffer_reserve(d, curve->field);

    if (!out)
        return gpg_error(GPG_ERR_ENOMEM);
    do {
        gcry_randomize(out, curve->field, GCRY_STRONG_RANDOM);
        /* The order of P-521 has one bit in its first octet. */
        if (curve->field == FIELD_MAX)
            out[0] &= 1;
    } while (!scalar_fits(curve, view_of(out, curve->field)));
    d->len += curve->field;
    return 0;
}
