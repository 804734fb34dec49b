#include "ccid/ccid_descriptor.h"

#define DESCRIPTOR_LEN     54
#define TYPE_CCID          0x21
#define TYPE_VENDOR        0xff
#define LEVEL_MASK         0x00070000u
#define LEVEL_TPDU         0x00010000u
#define LEVEL_SHORT_APDU   0x00020000u
#define LEVEL_EXTENDED     0x00040000u
#define SHORTEST_CONTENT   7 /* less than a header and this carries no command, and no parameters */
#define PIN_OPERATIONS_ALL 0x03

static uint32_t get_u32(const uint8_t *at)
{
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* Descriptors of other kinds may stand before it; a length that cannot be ends the search. */
static bool find(struct view extra, struct view *found)
{
    while (extra.len >= 2) {
        uint8_t type = extra.data[1];

        if (extra.data[0] < 2 || !view_take(&extra, extra.data[0], found))
            return false;
        if (found->len >= DESCRIPTOR_LEN && (type == TYPE_CCID || type == TYPE_VENDOR))
            return true;
    }
    return false;
}

static enum ccid_level level_of(uint32_t features)
{
    switch (features & LEVEL_MASK) {
    case LEVEL_TPDU:
        return CCID_TPDU;
    case LEVEL_SHORT_APDU:
        return CCID_SHORT_APDU;
    case LEVEL_EXTENDED:
        return CCID_EXTENDED_APDU;
    default:
        return CCID_CHARACTER;
    }
}

gpg_error_t ccid_descriptor_parse(struct view extra, struct ccid_descriptor *r)
{
    struct ccid_descriptor d;
    struct view found;
    const uint8_t *at;

    if (!find(extra, &found))
        return gpg_error(GPG_ERR_NOT_FOUND);
    at = found.data;
    d = (struct ccid_descriptor){
        .slots = at[4] + 1u, /* bMaxSlotIndex */
        .voltages = at[5],
        .protocols = get_u32(at + 6),
        .clock_khz = get_u32(at + 10),
        .max_bit_rate = get_u32(at + 23),
        .max_ifsd = get_u32(at + 28),
        .features = get_u32(at + 40),
        .level = level_of(get_u32(at + 40)),
        .max_message = get_u32(at + 44),
        .pin_operations = at[52] & PIN_OPERATIONS_ALL,
    };
    if (d.max_message < CCID_HEADER_LEN + SHORTEST_CONTENT)
        return gpg_error(GPG_ERR_BAD_DATA);
    if (d.slots > CCID_SLOTS_MAX)
        d.slots = CCID_SLOTS_MAX;
    if (d.max_message > CCID_MESSAGE_MAX)
        d.max_message = CCID_MESSAGE_MAX;
    *r = d;
    return 0;
}
