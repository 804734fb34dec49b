#include "apdu/tlv.h"

#define TAG_NUMBER_FOLLOWS 0x1f
#define TAG_MORE           0x80
#define LENGTH_LONG        0x80

/* 00 and FF between objects are filler (ISO 7816-4 §5.2.2.1). */
static void skip_filler(struct view *rest)
{
    while (rest->len > 0 && (rest->data[0] == 0x00 || rest->data[0] == 0xff)) {
        rest->data++;
        rest->len--;
    }
}

static bool take_tag(struct view *rest, uint32_t *tag)
{
    uint8_t octet;

    if (!view_u8(rest, &octet))
        return false;
    *tag = octet;
    if ((octet & TAG_NUMBER_FOLLOWS) != TAG_NUMBER_FOLLOWS)
        return true;
    for (int i = 0; i < 2; i++) {
        if (!view_u8(rest, &octet))
            return false;
        *tag = *tag << 8 | octet;
        if (!(octet & TAG_MORE))
            return true;
    }
    return false;
}

static bool take_length(struct view *rest, size_t *len)
{
    uint8_t octet;
    unsigned count;

    if (!view_u8(rest, &octet))
        return false;
    if (!(octet & LENGTH_LONG)) {
        *len = octet;
        return true;
    }
    count = octet & 0x7fu;
    if (count == 0 || count > 4)
        return false;
    *len = 0;
    while (count-- > 0) {
        if (!view_u8(rest, &octet))
            return false;
        *len = *len << 8 | octet;
    }
    return true;
}

bool tlv_next(struct view *rest, struct tlv *tlv)
{
    struct view v = *rest;
    struct tlv found;
    size_t len;

    skip_filler(&v);
    if (!take_tag(&v, &found.tag) || !take_length(&v, &len) || !view_take(&v, len, &found.value))
        return false;
    *rest = v;
    *tlv = found;
    return true;
}

bool tlv_find(struct view data, uint32_t tag, struct view *value)
{
    struct tlv tlv;

    while (tlv_next(&data, &tlv)) {
        if (tlv.tag == tag) {
            *value = tlv.value;
            return true;
        }
    }
    return false;
}

struct view tlv_content(struct view data, uint32_t tag, size_t slack)
{
    struct view v = data;
    uint32_t found;
    size_t len;

    if (!take_tag(&v, &found) || found != tag || !take_length(&v, &len))
        return data;
    return len == v.len || (len > v.len && len - v.len <= slack) ? v : data;
}

static gpg_error_t append_tag(struct buffer *out, uint32_t tag)
{
    gpg_error_t err = 0;

    for (int shift = 16; shift >= 0 && !err; shift -= 8) {
        if (tag >> shift || shift == 0)
            err = buffer_append_u8(out, (uint8_t)(tag >> shift));
    }
    return err;
}

static gpg_error_t append_length(struct buffer *out, size_t len)
{
    gpg_error_t err;

    if (len > UINT16_MAX)
        return gpg_error(GPG_ERR_TOO_LARGE);
    if (len < 0x80)
        return buffer_append_u8(out, (uint8_t)len);
    if (len <= UINT8_MAX) {
        err = buffer_append_u8(out, 0x81);
        return err ? err : buffer_append_u8(out, (uint8_t)len);
    }
    err = buffer_append_u8(out, 0x82);
    return err ? err : buffer_append_u16(out, (uint16_t)len);
}

gpg_error_t tlv_append(struct buffer *out, uint32_t tag, struct view value)
{
    size_t before = out->len;
    gpg_error_t err = append_tag(out, tag);

    if (!err)
        err = append_length(out, value.len);
    if (!err)
        err = buffer_append_view(out, value);
    if (err)
        buffer_truncate(out, before);
    return err;
}
