#include "tests/fuzz/hostile_reader.h"

/* ISO 7816-4 §5.1, table 3. */
static bool well_formed(struct view c, size_t *data_len)
{
    size_t lc;

    *data_len = 0;
    if (c.len == 4 || c.len == 5)
        return true;
    if (c.data[4] != 0) {
        lc = *data_len = c.data[4];
        return c.len == 5 + lc || c.len == 5 + lc + 1;
    }
    if (c.len == 7)
        return true;
    if (c.len < 8)
        return false;
    lc = *data_len = (size_t)c.data[5] << 8 | c.data[6];
    return lc > 0 && (c.len == 7 + lc || c.len == 7 + lc + 2);
}

static void look_at(struct hostile_reader *r, struct view c)
{
    size_t data_len;

    FUZZ_CHECK(well_formed(c, &data_len));
    FUZZ_CHECK(c.data[0] == 0x00 || c.data[0] == 0x10);
    r->commands++;
    if (c.data[1] == 0x20) {
        /* an empty VERIFY asks for a status, and on some cards drops it */
        FUZZ_CHECK(c.data[0] == 0x00 && data_len == (c.data[2] == 0x00 ? c.len - 5 : 0));
        FUZZ_CHECK((c.data[2] == 0x00 && data_len > 0) || (c.data[2] == 0xff && c.len == 4));
        r->verifies += c.data[2] == 0x00;
    }
    if (c.data[1] == 0x2a && c.data[0] == 0x00)
        r->operations++;
}

static struct view take(struct hostile_reader *r, size_t n)
{
    struct view taken = { 0 };

    view_take(&r->script, n < r->script.len ? n : r->script.len, &taken);
    return taken;
}

static uint8_t octet(struct hostile_reader *r)
{
    struct view v = take(r, 1);

    return v.len ? v.data[0] : 0;
}

static gpg_error_t repeat(struct buffer *answer, size_t n, uint8_t value)
{
    uint8_t *room = n ? buffer_reserve(answer, n) : NULL;

    if (n && !room)
        return gpg_error(GPG_ERR_TOO_LARGE);
    if (n)
        memset(room, value, n);
    answer->len += n;
    return buffer_append_u16(answer, 0x9000);
}

static gpg_error_t say(struct hostile_reader *r, uint8_t what, struct buffer *answer)
{
    gpg_error_t err;
    size_t n;

    switch (what) {
    case 0x08:
        n = octet(r);
        return buffer_append_view(answer, take(r, n));
    case 0x09:
        n = octet(r);
        err = buffer_append_view(answer, take(r, n));
        return err ? err : buffer_append_u16(answer, 0x9000);
    case 0x0a:
        n = octet(r);
        err = buffer_append_view(answer, take(r, n));
        return err ? err : buffer_append_u16(answer, (uint16_t)(0x6100 | octet(r)));
    case 0x0b:
        n = (size_t)octet(r) << 8;
        n |= octet(r);
        return repeat(answer, n, octet(r));
    case 0x0c:
        n = octet(r) % (r->canned_count ? r->canned_count : 1);
        err = r->canned_count ? buffer_append_view(answer, r->canned[n]) : 0;
        return err ? err : buffer_append_u16(answer, 0x9000);
    default:
        return buffer_append_u16(answer, (uint16_t)(what << 8 | octet(r)));
    }
}

static gpg_error_t transmit(struct reader *reader, struct view command, struct buffer *answer,
                            struct deadline deadline)
{
    static const gpg_err_code_t errors[] = { GPG_ERR_CARD_REMOVED, GPG_ERR_CARD_RESET,
                                             GPG_ERR_TIMEOUT,      GPG_ERR_CARD,
                                             GPG_ERR_NO_SERVICE,   GPG_ERR_TOO_LARGE,
                                             GPG_ERR_ENOMEM,       GPG_ERR_CARD_NOT_PRESENT };
    struct hostile_reader *r = (struct hostile_reader *)reader;
    uint8_t what;

    (void)deadline;
    look_at(r, command);
    if (r->script.len == 0)
        return gpg_error(GPG_ERR_CARD_REMOVED);
    what = octet(r);
    return what < 0x08 ? gpg_error(errors[what]) : say(r, what, answer);
}

static const struct backend hostile_backend = { .scheme = "hostile", .transmit = transmit };

struct reader *hostile_reader(struct hostile_reader *r, struct view script)
{
    *r = (struct hostile_reader){ .reader = { .backend = &hostile_backend }, .script = script };
    return &r->reader;
}
