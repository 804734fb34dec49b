#include "tests/token/apdu.h"

static size_t le_value(size_t field, size_t everything)
{
    return field == 0 ? everything : field;
}

/* What follows the header, short: Le, or Lc and data, or Lc, data and Le. */
static bool decode_short(struct view rest, struct command *c)
{
    uint8_t length, le;

    if (!view_u8(&rest, &length))
        return true;
    if (rest.len == 0) {
        c->has_le = true;
        c->le = le_value(length, 256);
        return true;
    }
    if (length == 0 || !view_take(&rest, length, &c->data))
        return false;
    if (view_u8(&rest, &le)) {
        c->has_le = true;
        c->le = le_value(le, 256);
    }
    return rest.len == 0;
}

/* The same after the 00 that says that lengths are extended. */
static bool decode_extended(struct view rest, struct command *c)
{
    uint16_t length, le;

    c->extended = true;
    if (!view_u16(&rest, &length))
        return false;
    if (rest.len == 0) {
        c->has_le = true;
        c->le = le_value(length, 65536);
        return true;
    }
    if (length == 0 || !view_take(&rest, length, &c->data))
        return false;
    if (view_u16(&rest, &le)) {
        c->has_le = true;
        c->le = le_value(le, 65536);
    }
    return rest.len == 0;
}

bool token_apdu_decode(struct view apdu, struct command *command)
{
    struct command c = { 0 };

    if (!view_u8(&apdu, &c.cla) || !view_u8(&apdu, &c.ins) || !view_u8(&apdu, &c.p1) ||
        !view_u8(&apdu, &c.p2))
        return false;
    if (apdu.len > 1 && apdu.data[0] == 0) {
        apdu.data++;
        apdu.len--;
        if (!decode_extended(apdu, &c))
            return false;
    } else if (!decode_short(apdu, &c)) {
        return false;
    }
    *command = c;
    return true;
}
