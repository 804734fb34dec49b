#include "message/stream.h"

#include <string.h>

static gpg_error_t view_next(void *context, struct view *piece)
{
    struct view *bytes = context;

    *piece = *bytes;
    bytes->len = 0;
    return 0;
}

struct source source_of_view(struct view *bytes)
{
    return (struct source){ .next = view_next, .context = bytes };
}

static gpg_error_t rest_next(void *context, struct view *piece)
{
    return input_next(context, UINT64_MAX, piece);
}

struct source source_of_input(struct input *in)
{
    return (struct source){ .next = rest_next, .context = in };
}

gpg_error_t input_peek(struct input *in, struct view *piece)
{
    gpg_error_t err = 0;

    if (!in->piece.len)
        err = in->from.next(in->from.context, &in->piece);
    if (!err)
        *piece = in->piece;
    return err;
}

gpg_error_t input_next(struct input *in, uint64_t max, struct view *piece)
{
    struct view all;
    gpg_error_t err = input_peek(in, &all);

    if (err)
        return err;
    if (all.len > max)
        all.len = (size_t)max;
    view_take(&in->piece, all.len, piece);
    in->octets_so_far += all.len;
    return 0;
}

gpg_error_t input_fill(struct input *in, void *out, size_t size, size_t *len)
{
    uint8_t *to = out;
    size_t done = 0;

    while (done < size) {
        struct view piece;
        gpg_error_t err = input_next(in, size - done, &piece);

        if (err)
            return err;
        if (!piece.len)
            break;
        memcpy(to + done, piece.data, piece.len);
        done += piece.len;
    }
    *len = done;
    return 0;
}

gpg_error_t input_read(struct input *in, void *out, size_t len)
{
    size_t done;
    gpg_error_t err = input_fill(in, out, len, &done);

    if (!err && done < len)
        err = gpg_error(GPG_ERR_TRUNCATED);
    return err;
}
