#include "message/armor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_LINE_MAX 64
#define UTF8_BOM_FIRST  0xef

struct armor {
    struct input in;
    bool started;
    bool text;                  /* armored; else the input is packets already */
    bool ended;                 /* the decoder has seen the tail line */
    gpgrt_b64state_t b64;       /* NULL until the header line has been found */
    char line[HEADER_LINE_MAX]; /* "-----BEGIN ...-----" */
    size_t line_len;
    size_t matched;   /* of line */
    bool line_is_out; /* the line at hand cannot be the header any more */
    uint8_t plain[PIECE_OCTETS];
};

/* A packet begins with bit 7 set (RFC 9580 §6.2), and a text does not; but some programs begin one
 * with the byte order mark of UTF-8, which as a packet would be of no use to anybody. */
static bool looks_like_packets(struct view ahead)
{
    return ahead.len && ahead.data[0] & 0x80 && ahead.data[0] != UTF8_BOM_FIRST;
}

/* True when the octet ended the header line. */
static bool scan_octet(struct armor *a, uint8_t c)
{
    if (c == '\n') {
        bool found = !a->line_is_out && a->matched == a->line_len;

        a->matched = 0;
        a->line_is_out = false;
        return found;
    }
    if (a->line_is_out)
        return false;
    if (a->matched < a->line_len && c == (uint8_t)a->line[a->matched])
        a->matched++;
    else if (a->matched < a->line_len || (c != ' ' && c != '\t' && c != '\r'))
        a->line_is_out = true;
    return false;
}

static gpg_error_t start_decoder(struct armor *a)
{
    uint8_t header[HEADER_LINE_MAX + 1];
    size_t none;
    size_t len = (size_t)snprintf((char *)header, sizeof header, "%s\n", a->line);

    a->b64 = gpgrt_b64dec_start("");
    if (!a->b64)
        return gpg_error_from_syserror();
    return gpgrt_b64dec_proc(a->b64, header, len, &none);
}

static gpg_error_t find_header(struct armor *a)
{
    struct view piece;
    gpg_error_t err;

    for (;;) {
        err = input_peek(&a->in, &piece);
        if (err)
            return err;
        if (!piece.len)
            return gpg_error(GPG_ERR_NO_DATA);
        for (size_t i = 0; i < piece.len; i++) {
            if (!scan_octet(a, piece.data[i]))
                continue;
            err = input_next(&a->in, i + 1, &piece);
            return err ? err : start_decoder(a);
        }
        err = input_next(&a->in, piece.len, &piece);
        if (err)
            return err;
    }
}

static gpg_error_t decode_next(struct armor *a, struct view *plain)
{
    struct view piece;
    size_t len = 0;
    gpg_error_t err = 0;

    while (!err && !len && !a->ended) {
        err = input_next(&a->in, sizeof a->plain, &piece);
        if (err)
            return err;
        if (!piece.len)
            break;
        memcpy(a->plain, piece.data, piece.len);
        err = gpgrt_b64dec_proc(a->b64, a->plain, piece.len, &len);
        if (gpg_err_code(err) == GPG_ERR_EOF) {
            a->ended = true;
            err = 0;
        }
    }
    if (!err)
        *plain = view_of(a->plain, len);
    return err;
}

static gpg_error_t armor_next(void *context, struct view *piece)
{
    struct armor *a = context;
    gpg_error_t err = 0;

    if (!a->started) {
        err = input_peek(&a->in, piece);
        if (err)
            return err;
        a->started = true;
        a->text = !looks_like_packets(*piece);
    }
    if (!a->text)
        return input_next(&a->in, UINT64_MAX, piece);
    if (!a->b64)
        err = find_header(a);
    return err ? err : decode_next(a, piece);
}

gpg_error_t armor_open(struct source from, const char *title, struct armor **a,
                       struct source *packets)
{
    struct armor *opened = calloc(1, sizeof *opened);

    if (!opened)
        return gpg_error(GPG_ERR_ENOMEM);
    opened->in = INPUT(from);
    opened->line_len =
        (size_t)snprintf(opened->line, sizeof opened->line, "-----BEGIN %s-----", title);
    *a = opened;
    *packets = (struct source){ .next = armor_next, .context = opened };
    return 0;
}

void armor_close(struct armor **a)
{
    if (!*a)
        return;
    gpgrt_b64dec_finish((*a)->b64);
    free(*a);
    *a = NULL;
}
