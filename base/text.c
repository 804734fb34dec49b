#include "base/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

char *hex_encode(struct view bytes, char *out)
{
    static const char digits[] = "0123456789ABCDEF";
    char *p = out;

    for (size_t i = 0; i < bytes.len; i++) {
        *p++ = digits[bytes.data[i] >> 4];
        *p++ = digits[bytes.data[i] & 15];
    }
    *p = '\0';
    return out;
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

bool hex_decode(const char *digits, size_t digits_len, uint8_t *out, size_t size, size_t *len)
{
    if (digits_len % 2 != 0 || digits_len / 2 > size)
        return false;
    for (size_t i = 0; i < digits_len; i += 2) {
        int high = digit_value(digits[i]);
        int low = digit_value(digits[i + 1]);

        if (high < 0 || low < 0)
            return false;
        out[i / 2] = (uint8_t)(high << 4 | low);
    }
    *len = digits_len / 2;
    return true;
}

char *text_escape(struct view text, char *out, size_t size)
{
    bool cut = text.len > size - 1;
    size_t len = cut ? size - 1 : text.len;

    for (size_t i = 0; i < len; i++) {
        uint8_t c = text.data[i];

        out[i] = c >= 0x20 && c < 0x7f ? (char)c : '?';
    }
    out[len] = '\0';
    if (cut && size > 4)
        memcpy(out + size - 4, "...", 4);
    return out;
}

bool text_to_number(const char *text, long min, long max, long *value)
{
    char *end;
    long number;

    if ((*text < '0' || *text > '9') && *text != '-')
        return false;
    errno = 0;
    number = strtol(text, &end, 10);
    if (errno || *end || number < min || number > max)
        return false;
    *value = number;
    return true;
}
