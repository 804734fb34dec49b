#include "tests/token/tlv.h"

static bool take_tag(struct view *v, unsigned int *tag)
{
    uint8_t first, second;

    if (!view_u8(v, &first))
        return false;
    *tag = first;
    if ((first & 0x1F) != 0x1F)
        return true;
    /* Bit 8 of the second octet would announce a third. */
    if (!view_u8(v, &second) || (second & 0x80))
        return false;
    *tag = (unsigned int)first << 8 | second;
    return true;
}

static bool take_length(struct view *v, size_t *len)
{
    uint8_t first, one;
    uint16_t two;

    if (!view_u8(v, &first))
        return false;
    if (first < 0x80)
        *len = first;
    else if (first == 0x81 && view_u8(v, &one))
        *len = one;
    else if (first == 0x82 && view_u16(v, &two))
        *len = two;
    else
        return false;
    return true;
}

bool token_tl_take(struct view *v, unsigned int *tag, size_t *len)
{
    struct view rest = *v;
    unsigned int t;
    size_t n;

    if (!take_tag(&rest, &t) || !take_length(&rest, &n))
        return false;
    *v = rest;
    *tag = t;
    *len = n;
    return true;
}

bool token_tlv_take(struct view *v, unsigned int *tag, struct view *value)
{
    struct view rest = *v;
    unsigned int t;
    size_t len;

    if (!token_tl_take(&rest, &t, &len) || !view_take(&rest, len, value))
        return false;
    *v = rest;
    *tag = t;
    return true;
}

bool token_tlv_find(struct view v, unsigned int tag, struct view *value)
{
    struct view found;
    unsigned int t;

    while (token_tlv_take(&v, &t, &found))
        if (t == tag) {
            *value = found;
            return true;
        }
    return false;
}

gpg_error_t token_tl_append(struct buffer *b, unsigned int tag, size_t len)
{
    uint8_t head[5];
    size_t n = 0;

    if (len > 0xFFFF)
        return gpg_error(GPG_ERR_TOO_LARGE);
    if (tag > 0xFF)
        head[n++] = (uint8_t)(tag >> 8);
    head[n++] = (uint8_t)tag;
    if (len > 0xFF) {
        head[n++] = 0x82;
        head[n++] = (uint8_t)(len >> 8);
    } else if (len > 0x7F) {
        head[n++] = 0x81;
    }
    head[n++] = (uint8_t)len;
    return buffer_append(b, head, n);
}

gpg_error_t token_tlv_append(struct buffer *b, unsigned int tag, struct view value)
{
    gpg_error_t err = token_tl_append(b, tag, value.len);

    return err ? err : buffer_append_view(b, value);
}
