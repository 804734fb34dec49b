#include "message/packet.h"

#define HEADER_BIT        0x80
#define HEADER_NEW_FORMAT 0x40

static bool tag_is_data(uint8_t tag)
{
    return tag == PACKET_COMPRESSED || tag == PACKET_ENCRYPTED || tag == PACKET_LITERAL ||
           tag == PACKET_SEIPD || tag == PACKET_AEAD;
}

static gpg_error_t read_number(struct input *in, size_t octets, uint64_t *number)
{
    uint8_t raw[4] = { 0 };
    gpg_error_t err = input_read(in, raw, octets);

    if (err)
        return err;
    *number = 0;
    for (size_t i = 0; i < octets; i++)
        *number = *number << 8 | raw[i];
    return 0;
}

/* RFC 9580 §4.2.1 */
static gpg_error_t read_new_length(struct input *in, struct packet *p)
{
    uint8_t first, second;
    gpg_error_t err = input_read(in, &first, 1);

    p->partial = false;
    if (err)
        return err;
    if (first < 192) {
        p->left = first;
    } else if (first < 224) {
        err = input_read(in, &second, 1);
        if (!err)
            p->left = ((uint64_t)(first - 192) << 8) + second + 192;
    } else if (first < 255) {
        p->left = UINT64_C(1) << (first & 0x1f);
        p->partial = true;
    } else {
        err = read_number(in, 4, &p->left);
    }
    return err;
}

/* RFC 9580 §4.2.2 */
static gpg_error_t read_old_length(struct input *in, unsigned type, struct packet *p)
{
    if (type == 3) {
        p->to_end = true;
        return 0;
    }
    return read_number(in, (size_t)1 << type, &p->left);
}

gpg_error_t packet_next(struct input *in, struct packet *p)
{
    struct packet found = { .in = in };
    struct view ahead;
    uint8_t header;
    gpg_error_t err = input_peek(in, &ahead);

    if (!err && !ahead.len)
        err = gpg_error(GPG_ERR_EOF);
    if (!err)
        err = input_read(in, &header, 1);
    if (err)
        return err;
    if (!(header & HEADER_BIT))
        return gpg_error(GPG_ERR_INV_PACKET);
    if (header & HEADER_NEW_FORMAT) {
        found.tag = header & 0x3f;
        err = read_new_length(in, &found);
    } else {
        found.tag = header >> 2 & 0x0f;
        err = read_old_length(in, header & 3, &found);
    }
    if (err)
        return err;
    if (!found.tag || ((found.partial || found.to_end) && !tag_is_data(found.tag)) ||
        (found.partial && found.left < PACKET_PARTIAL_FIRST_MIN))
        return gpg_error(GPG_ERR_INV_PACKET);
    *p = found;
    return 0;
}

static gpg_error_t body_next(void *context, struct view *piece)
{
    struct packet *p = context;
    gpg_error_t err = 0;

    if (p->to_end)
        return input_next(p->in, UINT64_MAX, piece);
    while (!p->left && p->partial && !err)
        err = read_new_length(p->in, p);
    if (err)
        return err;
    if (!p->left) {
        *piece = view_of(NULL, 0);
        return 0;
    }
    err = input_next(p->in, p->left, piece);
    if (!err && !piece->len)
        err = gpg_error(GPG_ERR_TRUNCATED);
    if (!err)
        p->left -= piece->len;
    return err;
}

struct source packet_body(struct packet *p)
{
    return (struct source){ .next = body_next, .context = p };
}

gpg_error_t packet_skip(struct packet *p)
{
    struct view piece;
    gpg_error_t err;

    do
        err = body_next(p, &piece);
    while (!err && piece.len);
    return err;
}

gpg_error_t packet_read(struct packet *p, struct buffer *body)
{
    struct view piece;
    gpg_error_t err;

    do {
        err = body_next(p, &piece);
        if (!err)
            err = buffer_append_view(body, piece);
    } while (!err && piece.len);
    return err;
}

bool packet_is_ignorable(uint8_t tag)
{
    return tag == PACKET_MARKER || tag == PACKET_PADDING || tag == PACKET_TRUST ||
           tag >= PACKET_FIRST_NON_CRITICAL;
}
