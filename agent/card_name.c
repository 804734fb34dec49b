#include "agent/card_name.h"

#include "apdu/openpgp_card.h"
#include "apdu/tlv.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

char *card_name(const struct application_data *data, char *out)
{
    const char *name = manufacturer_name(data->manufacturer);

    snprintf(out, CARD_NAME_MAX, "%s %04X:%08X", name ? name : "OpenPGP token", data->manufacturer,
             data->serial);
    return out;
}

char *card_holder_name(struct view cardholder, char *out)
{
    char name[CARD_HOLDER_MAX], *given;
    struct view value = { 0 };
    int len;

    (void)tlv_find(tlv_content(cardholder, DO_CARDHOLDER, 0), DO_NAME, &value);
    text_escape(value, name, sizeof name);
    given = strstr(name, "<<");
    if (given)
        *given = '\0';
    /* Never longer than it was: the blank takes the place of two marks. */
    len = snprintf(out, CARD_HOLDER_MAX, "%s%s%s", given ? given + 2 : "",
                   given && given[2] && *name ? " " : "", name);
    for (int i = 0; i < len; i++)
        out[i] = out[i] == '<' ? ' ' : out[i];
    return out;
}
