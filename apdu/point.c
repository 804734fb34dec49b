#include "apdu/point.h"

#include <gcrypt.h>
#include <string.h>

#define POINT_UNCOMPRESSED 0x04 /* SEC 1 §2.3.3 */
#define POINT_EVEN_Y       0x02

static gpg_error_t decode(const struct curve *curve, struct view encoded, gcry_ctx_t *r_ctx,
                          gcry_mpi_point_t *r_point)
{
    gcry_mpi_point_t point = NULL;
    gcry_ctx_t ctx = NULL;
    gcry_mpi_t mpi = NULL;
    gpg_error_t err;

    err = gcry_mpi_ec_new(&ctx, NULL, curve->name);
    if (err)
        goto leave;
    err = gcry_mpi_scan(&mpi, GCRYMPI_FMT_USG, encoded.data, encoded.len, NULL);
    if (err)
        goto leave;
    point = gcry_mpi_point_new(0);
    err = gcry_mpi_ec_decode_point(point, mpi, ctx);
    if (!err && !gcry_mpi_ec_curve_point(point, ctx))
        err = gpg_error(GPG_ERR_INV_DATA);
    if (err)
        goto leave;
    *r_ctx = ctx;
    *r_point = point;
    ctx = NULL;
    point = NULL;
leave:
    gcry_mpi_release(mpi);
    gcry_mpi_point_release(point);
    gcry_ctx_release(ctx);
    return err;
}

gpg_error_t point_check(const struct curve *curve, struct view point)
{
    gcry_mpi_point_t decoded;
    gcry_ctx_t ctx;

    if (point.len != curve_point_octets(curve))
        return gpg_error(GPG_ERR_INV_DATA);
    if (curve->montgomery || curve->edwards)
        return 0;
    if (point.data[0] != POINT_UNCOMPRESSED || decode(curve, point, &ctx, &decoded))
        return gpg_error(GPG_ERR_INV_DATA);
    gcry_mpi_point_release(decoded);
    gcry_ctx_release(ctx);
    return 0;
}

#define FF8 "\xff\xff\xff\xff\xff\xff\xff\xff"

/* Every coordinate, little-endian, of a point whose order divides the cofactor, and what is the
 * same modulo p: 0, 1, p - 1, p, p + 1, and on Curve25519 two of order 8 (RFC 7748 §6, §7). */
static const struct {
    const char *coordinate;
    size_t octets;
} small_orders[] = {
    { "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 32 },
    { "\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 32 },
    { "\xec\xff\xff\xff\xff\xff\xff\xff" FF8 FF8 "\xff\xff\xff\xff\xff\xff\xff\x7f", 32 },
    { "\xed\xff\xff\xff\xff\xff\xff\xff" FF8 FF8 "\xff\xff\xff\xff\xff\xff\xff\x7f", 32 },
    { "\xee\xff\xff\xff\xff\xff\xff\xff" FF8 FF8 "\xff\xff\xff\xff\xff\xff\xff\x7f", 32 },
    { "\xe0\xeb\x7a\x7c\x3b\x41\xb8\xae\x16\x56\xe3\xfa\xf1\x9f\xc4\x6a"
      "\xda\x09\x8d\xeb\x9c\x32\xb1\xfd\x86\x62\x05\x16\x5f\x49\xb8\x00",
      32 },
    { "\x5f\x9c\x95\xbc\xa3\x50\x8c\x24\xb1\xd0\xb1\x55\x9c\x83\xef\x5b"
      "\x04\x44\x5c\xc4\x58\x1c\x8e\x86\xd8\x22\x4e\xdd\xd0\x9f\x11\x57",
      32 },
    { "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
      "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
      56 },
    { "\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
      "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
      56 },
    { "\xfe\xff\xff\xff" FF8 FF8 FF8 "\xfe\xff\xff\xff" FF8 FF8 FF8, 56 },
    { "\xff\xff\xff\xff" FF8 FF8 FF8 "\xfe\xff\xff\xff" FF8 FF8 FF8, 56 },
    { "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
      "\xff\xff\xff\xff" FF8 FF8 FF8,
      56 },
};

bool point_has_small_order(const struct curve *curve, struct view point)
{
    uint8_t u[POINT_OCTETS_MAX];

    if (!curve->montgomery || point.len != curve->field_octets)
        return false;
    memcpy(u, point.data, point.len);
    if (point.len == 32)
        u[31] &= 0x7f; /* not part of the coordinate (RFC 7748 §5) */
    for (size_t i = 0; i < sizeof small_orders / sizeof *small_orders; i++) {
        if (small_orders[i].octets == point.len &&
            memcmp(small_orders[i].coordinate, u, point.len) == 0)
            return true;
    }
    return false;
}

/* Writes n as exactly len octets. */
static gpg_error_t write_fixed(gcry_mpi_t n, unsigned char *out, size_t len)
{
    size_t used = (gcry_mpi_get_nbits(n) + 7) / 8;

    if (used > len)
        return gpg_error(GPG_ERR_INV_DATA);
    memset(out, 0, len - used);
    return gcry_mpi_print(GCRYMPI_FMT_USG, out + len - used, used, NULL, n);
}

gpg_error_t point_from_x(const struct curve *curve, const struct secret *x, struct secret *point)
{
    struct secret compressed = { 0 };
    struct secret result = { 0 };
    gcry_mpi_point_t decoded = NULL;
    gcry_mpi_t y = gcry_mpi_snew(0);
    gcry_ctx_t ctx = NULL;
    gpg_error_t err = gpg_error(GPG_ERR_INV_DATA);

    if (curve->montgomery || curve->edwards || x->len != curve->field_octets)
        goto leave;
    err = secret_new(&compressed, 1 + x->len);
    if (err)
        goto leave;
    compressed.data[0] = POINT_EVEN_Y;
    memcpy(compressed.data + 1, x->data, x->len);
    if (decode(curve, secret_view(&compressed), &ctx, &decoded)) {
        err = gpg_error(GPG_ERR_INV_DATA);
        goto leave;
    }
    err = secret_new(&result, 1 + 2 * x->len);
    if (err)
        goto leave;
    result.data[0] = POINT_UNCOMPRESSED;
    memcpy(result.data + 1, x->data, x->len);
    if (gcry_mpi_ec_get_affine(NULL, y, decoded, ctx))
        err = gpg_error(GPG_ERR_INV_DATA);
    else
        err = write_fixed(y, result.data + 1 + x->len, x->len);
    if (!err)
        secret_move(point, &result);
leave:
    gcry_mpi_release(y);
    gcry_mpi_point_release(decoded);
    gcry_ctx_release(ctx);
    secret_free(&compressed);
    secret_free(&result);
    return err;
}
