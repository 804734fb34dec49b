/* Diffie-Hellman on the curves of the card (§7.2.11). */
#include "tests/token/card.h"

#include <string.h>

/* All of them are on curves without a cofactor, so a point of the curve is a good point. */
static gpg_error_t weierstrass(const struct curve *curve, struct view d, struct view point,
                               bool whole, struct buffer *shared)
{
    gcry_mpi_t k = NULL, encoded = NULL, x = gcry_mpi_new(0), y = gcry_mpi_new(0);
    gcry_mpi_point_t p = gcry_mpi_point_new(0);
    gcry_ctx_t ctx = NULL;
    gpg_error_t err;

    err = gcry_mpi_ec_new(&ctx, NULL, curve->name);
    if (!err)
        err = token_mpi_scan(d, &k);
    if (!err)
        err = token_mpi_scan(point, &encoded);
    if (!err)
        err = gcry_mpi_ec_decode_point(p, encoded, ctx);
    if (!err && !gcry_mpi_ec_curve_point(p, ctx))
        err = gpg_error(GPG_ERR_BAD_DATA);
    if (!err) {
        gcry_mpi_ec_mul(p, k, p, ctx);
        if (gcry_mpi_ec_get_affine(x, y, p, ctx))
            err = gpg_error(GPG_ERR_BAD_DATA);
    }
    if (!err && whole)
        err = buffer_append_u8(shared, 0x04);
    if (!err)
        err = token_mpi_append(shared, x, curve->field);
    if (!err && whole)
        err = token_mpi_append(shared, y, curve->field);
    gcry_ctx_release(ctx);
    gcry_mpi_point_release(p);
    gcry_mpi_release(x);
    gcry_mpi_release(y);
    gcry_mpi_release(encoded);
    gcry_mpi_release(k);
    return err;
}

int token_montgomery_id(const struct curve *curve)
{
    if (curve->form != CURVE_MONTGOMERY)
        return 0;
    return strcmp(curve->name, "X448") == 0 ? GCRY_ECC_CURVE448 : GCRY_ECC_CURVE25519;
}

static bool all_zero(const uint8_t *data, size_t len)
{
    return view_strip_zeros(view_of(data, len)).len == 0;
}

/* RFC 7748 §6: a result of zeros means a point of small order. */
static gpg_error_t montgomery(const struct curve *curve, struct view d, struct view point,
                              struct buffer *shared)
{
    uint8_t *out = buffer_reserve(shared, curve->field);
    gpg_error_t err;

    if (!out)
        return gpg_error(GPG_ERR_ENOMEM);
    err = gcry_ecc_mul_point(token_montgomery_id(curve), out, d.data, point.data);
    if (!err && all_zero(out, curve->field))
        err = gpg_error(GPG_ERR_BAD_DATA);
    if (!err)
        shared->len += curve->field;
    return err;
}

gpg_error_t token_ecdh(const struct curve *curve, struct view d, struct view point, bool whole,
                       struct buffer *shared)
{
    if (curve->form == CURVE_EDWARDS || d.len != curve->field)
        return gpg_error(GPG_ERR_BAD_DATA);
    if (curve->form == CURVE_MONTGOMERY)
        return point.len == curve->field ? montgomery(curve, d, point, shared)
                                         : gpg_error(GPG_ERR_BAD_DATA);
    if (point.len != 1 + 2 * (size_t)curve->field || point.data[0] != 0x04)
        return gpg_error(GPG_ERR_BAD_DATA);
    return weierstrass(curve, d, point, whole, shared);
}
