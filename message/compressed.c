#include "message/compressed.h"

#include <bzlib.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* RFC 9580 §9.4 */
enum { COMPRESSION_NONE, COMPRESSION_ZIP, COMPRESSION_ZLIB, COMPRESSION_BZIP2 };

#define WINDOW_BITS 15

struct compressed {
    struct input body;
    uint8_t algorithm;
    bool opened; /* the library's state below */
    bool nested;
    bool ended;
    struct budget *budget;
    union {
        z_stream zlib;
        bz_stream bzip2;
    };
    uint8_t plain[PIECE_OCTETS];
};

static gpg_error_t open_library(struct compressed *c)
{
    int status;

    switch (c->algorithm) {
    case COMPRESSION_NONE:
        return 0;
    case COMPRESSION_ZIP:
        status = inflateInit2(&c->zlib, -WINDOW_BITS);
        break;
    case COMPRESSION_ZLIB:
        status = inflateInit2(&c->zlib, WINDOW_BITS);
        break;
    case COMPRESSION_BZIP2:
        status = BZ2_bzDecompressInit(&c->bzip2, 0, 0);
        break;
    default:
        return gpg_error(GPG_ERR_COMPR_ALGO);
    }
    c->opened = !status;
    return status ? gpg_error(GPG_ERR_ENOMEM) : 0;
}

/* One call of zlib: takes from *in, gives *out octets. Both libraries count with 32 bits, and both
 * take their input through a pointer that is not const. */
static gpg_error_t inflate_piece(struct compressed *c, struct view *in, size_t *out)
{
    int status;

    c->zlib.next_in = (Bytef *)(uintptr_t)in->data;
    c->zlib.avail_in = (uInt)in->len;
    c->zlib.next_out = c->plain;
    c->zlib.avail_out = sizeof c->plain;
    status = inflate(&c->zlib, Z_NO_FLUSH);
    *in = view_of(in->data, in->len - c->zlib.avail_in);
    *out = sizeof c->plain - c->zlib.avail_out;
    c->ended = status == Z_STREAM_END;
    if (status == Z_MEM_ERROR)
        return gpg_error(GPG_ERR_ENOMEM);
    return status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR
               ? 0
               : gpg_error(GPG_ERR_INV_DATA);
}

static gpg_error_t bunzip_piece(struct compressed *c, struct view *in, size_t *out)
{
    int status;

    c->bzip2.next_in = (char *)(uintptr_t)in->data;
    c->bzip2.avail_in = (unsigned)in->len;
    c->bzip2.next_out = (char *)c->plain;
    c->bzip2.avail_out = sizeof c->plain;
    status = BZ2_bzDecompress(&c->bzip2);
    *in = view_of(in->data, in->len - c->bzip2.avail_in);
    *out = sizeof c->plain - c->bzip2.avail_out;
    c->ended = status == BZ_STREAM_END;
    if (status == BZ_MEM_ERROR)
        return gpg_error(GPG_ERR_ENOMEM);
    return status == BZ_OK || status == BZ_STREAM_END ? 0 : gpg_error(GPG_ERR_INV_DATA);
}

static bool nested_too_far(const struct budget *budget, size_t octets)
{
    uint64_t nested = budget->nested + octets;

    return nested > NESTED_BASE &&
           (nested - NESTED_BASE) / NESTED_RATIO > budget->encrypted->octets_so_far;
}

static gpg_error_t charge(const struct compressed *c, size_t octets)
{
    struct budget *budget = c->budget;

    if (octets > budget->output_left || (c->nested && nested_too_far(budget, octets)))
        return gpg_error(GPG_ERR_TOO_LARGE);
    budget->output_left -= octets;
    if (c->nested)
        budget->nested += octets;
    return 0;
}

/* What follows the compressed data in its packet means nothing, but the packet must be read. */
static gpg_error_t drain(struct compressed *c)
{
    struct view piece;
    gpg_error_t err;

    do
        err = input_next(&c->body, UINT64_MAX, &piece);
    while (!err && piece.len);
    return err;
}

static gpg_error_t expand_next(struct compressed *c, struct view *piece)
{
    gpg_error_t err = 0;
    size_t len = 0;

    while (!err && !len && !c->ended) {
        struct view in, taken;
        size_t before;

        err = input_peek(&c->body, &in);
        if (err)
            return err;
        if (in.len > PIECE_OCTETS)
            in.len = PIECE_OCTETS;
        before = in.len;
        err = c->algorithm == COMPRESSION_BZIP2 ? bunzip_piece(c, &in, &len)
                                                : inflate_piece(c, &in, &len);
        if (!err && !before && !len && !c->ended)
            err = gpg_error(GPG_ERR_TRUNCATED);
        if (!err && in.len)
            err = input_next(&c->body, in.len, &taken);
    }
    if (!err && c->ended)
        err = drain(c);
    if (!err)
        *piece = view_of(c->plain, len);
    return err;
}

static gpg_error_t plain_next(void *context, struct view *piece)
{
    struct compressed *c = context;
    gpg_error_t err = c->algorithm == COMPRESSION_NONE ? input_next(&c->body, PIECE_OCTETS, piece)
                                                       : expand_next(c, piece);

    return err ? err : charge(c, piece->len);
}

gpg_error_t compressed_open(struct source body, bool nested, struct budget *budget,
                            struct compressed **c, struct source *plain)
{
    struct compressed *opened = calloc(1, sizeof *opened);
    gpg_error_t err;

    if (!opened)
        return gpg_error(GPG_ERR_ENOMEM);
    opened->body = INPUT(body);
    opened->nested = nested;
    opened->budget = budget;
    err = input_read(&opened->body, &opened->algorithm, 1);
    if (!err)
        err = open_library(opened);
    if (err) {
        compressed_close(&opened);
        return err;
    }
    *c = opened;
    *plain = (struct source){ .next = plain_next, .context = opened };
    return 0;
}

void compressed_close(struct compressed **c)
{
    if (!*c)
        return;
    if ((*c)->opened && (*c)->algorithm == COMPRESSION_BZIP2)
        BZ2_bzDecompressEnd(&(*c)->bzip2);
    else if ((*c)->opened)
        inflateEnd(&(*c)->zlib);
    explicit_bzero(*c, sizeof **c);
    free(*c);
    *c = NULL;
}
