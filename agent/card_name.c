#include "agent/card_name.h"

#include <stdio.h>

char *card_name(const struct application_data *data, char *out)
{
    const char *name = manufacturer_name(data->manufacturer);

    snprintf(out, CARD_NAME_MAX, "%s %04X:%08X", name ? name : "OpenPGP token", data->manufacturer,
             data->serial);
    return out;
}
