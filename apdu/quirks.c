#include "apdu/quirks.h"

#include <string.h>

#define YUBICO 0x0006
#define LEDGER 0x2c97

#define BEGINNING(s)                                                                               \
    {                                                                                              \
        s, sizeof s - 1                                                                            \
    }

static const struct {
    uint16_t manufacturer, version_min, version_max;
    struct quirks quirks;
} rows[] = {
    /* NEO */
    { YUBICO, 0x0200, 0x0200, { .keeps_verification = true } },
    /* YubiKey 4, and 5 before 5.2.3: 5F52 announces chaining alone, and 257 octets in a chain may
     * get 6581 or 6700. Firmware 4.2 misses touches; to ask for it would be no cheaper. */
    { YUBICO,
      0x0201,
      0x02ff,
      { .extended_length = true,
        .touch_apart = true,
        .keeps_verification = true,
        .misses_touch = true } },
    { LEDGER, 0x0000, 0xffff, { .touch_apart = true } },
};

struct quirks quirks_of(const struct application_data *data)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].manufacturer == data->manufacturer && data->version >= rows[i].version_min &&
            data->version <= rows[i].version_max)
            return rows[i].quirks;
    }
    return (struct quirks){ 0 };
}

/* Their DO 6E may be longer than the 256 octets that can be asked for otherwise. */
static const struct {
    const char *octets;
    size_t len;
} silent_beginnings[] = {
    BEGINNING("\x80\x5aNitrokey"), /* Nitrokey 3: issuer's data, ISO 7816-4 §8.1.1.2.5 */
    BEGINNING("\x80\x5dNitrokey"), /* its later firmware */
    BEGINNING("Canokey"),
};

bool quirks_guess_extended(struct view historical_bytes)
{
    for (size_t i = 0; i < sizeof silent_beginnings / sizeof *silent_beginnings; i++) {
        size_t len = silent_beginnings[i].len;

        if (historical_bytes.len >= len &&
            memcmp(historical_bytes.data, silent_beginnings[i].octets, len) == 0)
            return true;
    }
    return false;
}
