#include "agent/pinentry_dialogue.h"

#include <stdio.h>
#include <string.h>

/* Length of the well-formed UTF-8 character at s, 0 if there is none (Unicode 15, table 3-7). */
static size_t utf8_length(const unsigned char *s)
{
    size_t len = s[0] < 0x80 ? 1 : s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    unsigned char low = s[0] == 0xe0 ? 0xa0 : s[0] == 0xf0 ? 0x90 : 0x80;
    unsigned char high = s[0] == 0xed ? 0x9f : s[0] == 0xf4 ? 0x8f : 0xbf;

    if (len == 1)
        return 1;
    if (s[0] < 0xc2 || s[0] > 0xf4 || s[1] < low || s[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++) {
        if (s[i] < 0x80 || s[i] > 0xbf)
            return 0;
    }
    return len;
}

/* C1 controls and the marks that turn the direction of text could make a prompt say what it does
 * not say: U+0080-009F, U+200E-200F, U+202A-202E, U+2066-2069. */
static bool misleads(const unsigned char *s, size_t len)
{
    if (len == 2)
        return s[0] == 0xc2 && s[1] < 0xa0;
    if (len != 3 || s[0] != 0xe2)
        return false;
    return (s[1] == 0x80 && (s[2] == 0x8e || s[2] == 0x8f || (s[2] >= 0xaa && s[2] <= 0xae))) ||
           (s[1] == 0x81 && s[2] >= 0xa6 && s[2] <= 0xa9);
}

/* Writes the character at *s to piece and steps over it. */
static size_t next_piece(const unsigned char **s, char piece[8])
{
    size_t len = utf8_length(*s);

    if (**s == '\n' || **s == '%')
        len = (size_t)snprintf(piece, 8, "%%%02X", (unsigned)*(*s)++);
    else if (!len || misleads(*s, len) || **s < 0x20 || **s == 0x7f) {
        *s += len ? len : 1;
        piece[0] = '?';
        len = 1;
    } else {
        memcpy(piece, *s, len);
        *s += len;
    }
    return len;
}

char *pinentry_escape(const char *text, char *out, size_t size)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t used = 0;
    size_t cut_at = 0; /* the last place where "..." and the NUL still fit */

    while (*s) {
        char piece[8];
        size_t len = next_piece(&s, piece);

        if (used + 4 <= size)
            cut_at = used;
        if (used + len + 1 > size) {
            memcpy(out + cut_at, "...", 4);
            return out;
        }
        memcpy(out + used, piece, len);
        used += len;
    }
    out[used] = '\0';
    return out;
}
