#include "agent/inquiry.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

gpg_error_t inquiry_unescape(struct view line, struct buffer *answer)
{
    uint8_t octet;
    size_t len;

    while (view_u8(&line, &octet)) {
        struct view digits;

        if (octet == '%' && (!view_take(&line, 2, &digits) ||
                             !hex_decode((const char *)digits.data, 2, &octet, 1, &len)))
            return gpg_error(GPG_ERR_ASS_SYNTAX);
        if (buffer_append_u8(answer, octet))
            return gpg_error(GPG_ERR_ASS_TOO_MUCH_DATA);
    }
    return 0;
}

/* What a line of the answer is; *end when it is the last. */
static gpg_error_t take_line(struct view line, struct buffer *answer, bool *end)
{
    size_t word_len = 0;
    struct view word;

    while (word_len < line.len && line.data[word_len] != ' ')
        word_len++;
    (void)view_take(&line, word_len, &word);
    if (word_len == 0 || word.data[0] == '#')
        return 0;
    if (view_equal(word, view_of("D", 1)) && line.len)
        return inquiry_unescape(view_of(line.data + 1, line.len - 1), answer);
    *end = true;
    if (view_equal(word, view_of("END", 3)))
        return 0;
    return gpg_error(view_equal(word, view_of("CAN", 3)) ? GPG_ERR_ASS_CANCELED
                                                         : GPG_ERR_ASS_UNEXPECTED_CMD);
}

static gpg_error_t read_answer(assuan_context_t assuan, struct buffer *answer)
{
    gpg_error_t first = 0;
    bool end = false;

    while (!end) {
        char *line;
        size_t len;
        gpg_error_t err = assuan_read_line(assuan, &line, &len);

        if (err)
            return err;
        err = take_line(view_of(line, len), answer, &end);
        explicit_bzero(line, len);
        if (!first)
            first = err;
        /* What comes until the end is of no use any more. */
        if (first)
            buffer_clear(answer);
    }
    return first;
}

gpg_error_t inquiry_read(assuan_context_t assuan, const char *keyword, struct buffer *answer)
{
    char text[64];
    gpg_error_t err;

    snprintf(text, sizeof text, "%zu", answer->max);
    err = assuan_write_status(assuan, "INQUIRE_MAXLEN", text);
    snprintf(text, sizeof text, "INQUIRE %s", keyword);
    if (!err)
        err = assuan_write_line(assuan, text);
    if (!err)
        err = read_answer(assuan, answer);
    if (gpg_err_code(err) == GPG_ERR_ASS_LINE_TOO_LONG)
        assuan_set_flag(assuan, ASSUAN_FORCE_CLOSE, 1);
    return err;
}
