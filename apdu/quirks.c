#include "apdu/quirks.h"

#define YUBICO 0x0006
#define LEDGER 0x2c97

/* Bounds are included; 0 as the first firmware: whichever, known or not. */
static const struct {
    uint16_t manufacturer, version_min, version_max;
    uint32_t firmware_min, firmware_max;
    struct quirks quirks;
} rows[] = {
    /* NEO: version 2.0 */
    { YUBICO, 0x0200, 0x0200, 0, 0, { .keeps_verification = true } },
    /* YubiKey 4, and 5 before 5.2.3: 5F52 announces chaining alone, and 257 octets in a chain may
     * get 6581 or 6700. */
    { YUBICO,
      0x0201,
      0x02ff,
      0,
      0,
      { .extended_length = true, .touch_apart = true, .keeps_verification = true } },
    /* ykman sends them an APDU without sense first. */
    { YUBICO, 0x0201, 0x02ff, 0x040200, 0x040206, { .misses_touch = true } },
    { LEDGER, 0x0000, 0xffff, 0, 0, { .touch_apart = true } },
};

#define ROWS (sizeof rows / sizeof *rows)

static bool is_of_card(size_t row, const struct application_data *data)
{
    return rows[row].manufacturer == data->manufacturer && data->version >= rows[row].version_min &&
           data->version <= rows[row].version_max;
}

struct quirks quirks_of(const struct application_data *data, uint32_t firmware)
{
    struct quirks all = { 0 };

    for (size_t i = 0; i < ROWS; i++) {
        const struct quirks *q = &rows[i].quirks;

        if (!is_of_card(i, data) || (rows[i].firmware_min && (firmware < rows[i].firmware_min ||
                                                              firmware > rows[i].firmware_max)))
            continue;
        all.extended_length |= q->extended_length;
        all.touch_apart |= q->touch_apart;
        all.keeps_verification |= q->keeps_verification;
        all.misses_touch |= q->misses_touch;
    }
    return all;
}

bool quirks_want_firmware(const struct application_data *data)
{
    for (size_t i = 0; i < ROWS; i++) {
        if (is_of_card(i, data) && rows[i].firmware_min)
            return true;
    }
    return false;
}
