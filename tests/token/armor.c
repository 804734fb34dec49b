/* ASCII armor (RFC 4880 §6.2), as much of it as a key file needs. */
#include "tests/token/openpgp_key.h"

#include <string.h>

#define BEGIN_LINE "-----BEGIN PGP PRIVATE KEY BLOCK-----"
#define KEY_MAX    (256 * 1024)

static struct view take_line(struct view *text)
{
    const uint8_t *end = text->len ? memchr(text->data, '\n', text->len) : NULL;
    size_t len = end ? (size_t)(end - text->data) : text->len;
    struct view line = view_of(text->data, 0), newline;

    view_take(text, len, &line);
    if (end)
        view_take(text, 1, &newline);
    while (line.len && (line.data[line.len - 1] == '\r' || line.data[line.len - 1] == ' ' ||
                        line.data[line.len - 1] == '\t'))
        line.len--;
    return line;
}

static bool starts_with(struct view v, const char *text)
{
    return v.len >= strlen(text) && memcmp(v.data, text, strlen(text)) == 0;
}

static int sextet(uint8_t c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(digits, c) : NULL;

    return at ? (int)(at - digits) : -1;
}

struct decoder {
    uint32_t bits;
    unsigned int count; /* of bits */
    bool ended;         /* by '=' */
};

static gpg_error_t decode_line(struct decoder *d, struct view line, struct buffer *out)
{
    gpg_error_t err = 0;

    for (size_t i = 0; i < line.len && !err; i++) {
        int value = sextet(line.data[i]);

        if (line.data[i] == '=') {
            d->ended = true;
            continue;
        }
        if (value < 0 || d->ended)
            return gpg_error(GPG_ERR_BAD_DATA);
        d->bits = d->bits << 6 | (uint32_t)value;
        d->count += 6;
        if (d->count >= 8) {
            d->count -= 8;
            err = buffer_append_u8(out, (uint8_t)(d->bits >> d->count));
        }
    }
    return err;
}

/* The checksum line that begins with '=' is not looked at: keys have their own. */
static gpg_error_t decode_body(struct view text, struct buffer *out)
{
    struct decoder d = { 0 };
    gpg_error_t err;

    while (text.len) {
        struct view line = take_line(&text);

        if (starts_with(line, "=") || starts_with(line, "-----END"))
            return 0;
        err = decode_line(&d, line, out);
        if (err)
            return err;
    }
    return gpg_error(GPG_ERR_BAD_DATA);
}

gpg_error_t openpgp_dearmor(struct view text, struct buffer *out)
{
    if (text.len && text.data[0] & 0x80)
        return text.len > KEY_MAX ? gpg_error(GPG_ERR_BAD_DATA) : buffer_append_view(out, text);
    while (text.len) {
        struct view line = take_line(&text);

        if (!view_equal(line, view_of(BEGIN_LINE, strlen(BEGIN_LINE))))
            continue;
        do {
            line = take_line(&text);
        } while (line.len && text.len);
        return decode_body(text, out);
    }
    return gpg_error(GPG_ERR_BAD_DATA);
}
