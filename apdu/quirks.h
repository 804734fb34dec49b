/* What cards do that their data objects do not tell. One table, by the AID's manufacturer and
 * version and, for Yubico, the firmware: never by the name of a reader or an answer to reset, which
 * others imitate. Pure: facts in, facts out. A card that is not in it has no quirks. */
#pragma once

#include "apdu/application_data.h"

struct quirks {
    bool extended_length;    /* is taken, though 5F52 does not announce it */
    bool touch_apart;        /* DO D7 is not in 6E */
    bool keeps_verification; /* VERIFY with P1 = FF is unknown */
    bool misses_touch;       /* that comes right after a long answer */
};

/* An answer beyond so many octets is long to a card that misses touches. */
#define QUIRKS_LONG_ANSWER 54

/* firmware: 0x050403 for 5.4.3 as INS F1 gives it, in BCD; 0: not known. */
struct quirks quirks_of(const struct application_data *data, uint32_t firmware);

/* True when the firmware makes a difference, for a key that wants a touch. */
bool quirks_want_firmware(const struct application_data *data);
