#include "base/bytes.h"

#include <stdlib.h>
#include <string.h>

bool view_equal(struct view a, struct view b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

bool view_take(struct view *v, size_t n, struct view *taken)
{
    if (v->len < n)
        return false;
    *taken = view_of(v->data, n);
    if (n > 0)
        v->data += n;
    v->len -= n;
    return true;
}

bool view_u8(struct view *v, uint8_t *value)
{
    struct view t;

    if (!view_take(v, 1, &t))
        return false;
    *value = t.data[0];
    return true;
}

bool view_u16(struct view *v, uint16_t *value)
{
    struct view t;

    if (!view_take(v, 2, &t))
        return false;
    *value = (uint16_t)(t.data[0] << 8 | t.data[1]);
    return true;
}

bool view_u32(struct view *v, uint32_t *value)
{
    struct view t;

    if (!view_take(v, 4, &t))
        return false;
    *value = (uint32_t)t.data[0] << 24 | (uint32_t)t.data[1] << 16 | (uint32_t)t.data[2] << 8 |
             t.data[3];
    return true;
}

struct view view_strip_zeros(struct view v)
{
    while (v.len > 0 && v.data[0] == 0) {
        v.data++;
        v.len--;
    }
    return v;
}

/* A moved block would leave its old bytes behind, so grow by copy and wipe instead of realloc. */
static gpg_error_t grow(struct buffer *b, size_t need)
{
    size_t size = b->size ? b->size : 64;
    uint8_t *data;

    while (size < need)
        size *= 2;
    if (size > b->max)
        size = b->max;
    data = malloc(size);
    if (!data)
        return gpg_error(GPG_ERR_ENOMEM);
    if (b->len)
        memcpy(data, b->data, b->len);
    if (b->data) {
        explicit_bzero(b->data, b->size);
        free(b->data);
    }
    b->data = data;
    b->size = size;
    return 0;
}

static gpg_error_t make_room(struct buffer *b, size_t n)
{
    if (n > b->max || b->len > b->max - n)
        return gpg_error(GPG_ERR_TOO_LARGE);
    return b->len + n > b->size ? grow(b, b->len + n) : 0;
}

uint8_t *buffer_reserve(struct buffer *b, size_t n)
{
    return make_room(b, n) ? NULL : b->data + b->len;
}

gpg_error_t buffer_append(struct buffer *b, const void *data, size_t len)
{
    gpg_error_t err;

    if (len == 0)
        return 0;
    err = make_room(b, len);
    if (err)
        return err;
    memcpy(b->data + b->len, data, len);
    b->len += len;
    return 0;
}

gpg_error_t buffer_append_view(struct buffer *b, struct view v)
{
    return buffer_append(b, v.data, v.len);
}

gpg_error_t buffer_append_u8(struct buffer *b, uint8_t value)
{
    return buffer_append(b, &value, 1);
}

gpg_error_t buffer_append_u16(struct buffer *b, uint16_t value)
{
    const uint8_t bytes[2] = { (uint8_t)(value >> 8), (uint8_t)value };

    return buffer_append(b, bytes, sizeof bytes);
}

gpg_error_t buffer_append_u32(struct buffer *b, uint32_t value)
{
    const uint8_t bytes[4] = { (uint8_t)(value >> 24), (uint8_t)(value >> 16),
                               (uint8_t)(value >> 8), (uint8_t)value };

    return buffer_append(b, bytes, sizeof bytes);
}

void buffer_truncate(struct buffer *b, size_t len)
{
    if (len >= b->len)
        return;
    explicit_bzero(b->data + len, b->len - len);
    b->len = len;
}

void buffer_clear(struct buffer *b)
{
    if (b->data)
        explicit_bzero(b->data, b->size);
    b->len = 0;
}

void buffer_free(struct buffer *b)
{
    buffer_clear(b);
    free(b->data);
    b->data = NULL;
    b->size = 0;
}
