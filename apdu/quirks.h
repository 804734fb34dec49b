/* What cards do that their data objects do not tell. One table, by the AID's manufacturer and
 * version, never by the name of a reader or an answer to reset, which others imitate. Pure: facts
 * in, facts out. A card that is not in it has no quirks. */
#pragma once

#include "apdu/application_data.h"

struct quirks {
    bool extended_length;    /* is taken, though 5F52 does not announce it */
    bool touch_apart;        /* DO D7 is not in 6E */
    bool keeps_verification; /* VERIFY with P1 = FF is unknown */
    bool misses_touch;       /* that it wants right after a long answer */
};

/* An answer beyond so many octets is long to a card that misses touches. */
#define QUIRKS_LONG_ANSWER 54

struct quirks quirks_of(const struct application_data *data);

/* Whether these historical bytes of an answer to reset are those of a card that takes extended
 * length and does not say so there. A guess, for the first reading of DO 6E alone, which is then
 * believed: an imitator refuses it, at the cost of a command. */
bool quirks_guess_extended(struct view historical_bytes);
