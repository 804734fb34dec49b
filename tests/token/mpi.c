#include "tests/token/card.h"

#include <string.h>

gpg_error_t token_mpi_scan(struct view v, gcry_mpi_t *r_mpi)
{
    return gcry_mpi_scan(r_mpi, GCRYMPI_FMT_USG, v.data ? v.data : (const uint8_t *)"", v.len,
                         NULL);
}

static gpg_error_t append_padded(struct buffer *b, const void *data, size_t len, size_t width)
{
    struct view v = view_strip_zeros(view_of(data, len));
    uint8_t *out = buffer_reserve(b, width);

    if (v.len > width || !out)
        return gpg_error(GPG_ERR_TOO_LARGE);
    for (size_t i = 0; i < width - v.len; i++)
        out[i] = 0;
    for (size_t i = 0; i < v.len; i++)
        out[width - v.len + i] = v.data[i];
    b->len += width;
    return 0;
}

gpg_error_t token_mpi_append(struct buffer *b, gcry_mpi_t mpi, size_t width)
{
    unsigned char *octets;
    gpg_error_t err;
    size_t len;

    err = gcry_mpi_aprint(GCRYMPI_FMT_USG, &octets, &len, mpi);
    if (err)
        return err;
    err = append_padded(b, octets, len, width);
    explicit_bzero(octets, len);
    gcry_free(octets);
    return err;
}

gpg_error_t token_sexp_append(struct buffer *b, gcry_sexp_t sexp, const char *name, size_t width)
{
    gcry_sexp_t list = gcry_sexp_find_token(sexp, name, 0);
    const char *octets;
    gpg_error_t err;
    size_t len = 0;

    octets = list ? gcry_sexp_nth_data(list, 1, &len) : NULL;
    err = octets ? append_padded(b, octets, len, width) : gpg_error(GPG_ERR_NO_OBJ);
    gcry_sexp_release(list);
    return err;
}
