#include "apdu/application_data.h"

/* Category indicators, ISO 7816-4 §8.1.1.1 */
#define CATEGORY_WITH_STATUS 0x00 /* the last three octets are a status */
#define CATEGORY_COMPACT_TLV 0x80
#define STATUS_LEN           3

#define COMPACT_TAG_CAPABILITIES 7

/* Third octet of the card capabilities, ISO 7816-4 §8.1.1.2.7 */
#define CAPABILITY_CHAINING        0x80
#define CAPABILITY_EXTENDED_LENGTH 0x40

static struct card_capabilities parse_compact_tlv(struct view v)
{
    struct card_capabilities none = { 0 };
    struct view item;
    uint8_t head;

    while (view_u8(&v, &head)) {
        if (!view_take(&v, head & 0x0fu, &item))
            break;
        if (head >> 4 == COMPACT_TAG_CAPABILITIES && item.len >= 3)
            return (struct card_capabilities){
                .chaining = item.data[2] & CAPABILITY_CHAINING,
                .extended_length = item.data[2] & CAPABILITY_EXTENDED_LENGTH,
            };
    }
    return none;
}

struct card_capabilities historical_bytes_parse(struct view bytes)
{
    struct card_capabilities none = { 0 };
    uint8_t category;

    if (!view_u8(&bytes, &category))
        return none;
    if (category == CATEGORY_WITH_STATUS) {
        /* The NEO announces this form and fills its 15 octets with zeros: items stop before them.
         */
        if (bytes.len < STATUS_LEN)
            return none;
        bytes.len -= STATUS_LEN;
    } else if (category != CATEGORY_COMPACT_TLV) {
        return none;
    }
    return parse_compact_tlv(bytes);
}

struct view atr_historical_bytes(struct view atr)
{
    struct view none = { 0 };
    struct view interface;
    uint8_t byte, format;

    if (!view_u8(&atr, &byte) || !view_u8(&atr, &format))
        return none;
    /* T0 and every TDi tell by their high half which of TA, TB, TC, TD follow. */
    for (uint8_t present = format >> 4; present;) {
        size_t before_td = (present & 1u) + (present >> 1 & 1u) + (present >> 2 & 1u);

        if (!view_take(&atr, before_td, &interface))
            return none;
        if (!(present & 8))
            break;
        if (!view_u8(&atr, &byte))
            return none;
        present = byte >> 4;
    }
    if (!view_take(&atr, format & 0x0fu, &interface))
        return none;
    return interface;
}
