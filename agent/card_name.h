/* What humans call a card. */
#pragma once

#include "apdu/application_data.h"

#define CARD_NAME_MAX 64

/* "Yubico 0006:12345678". out has at least CARD_NAME_MAX octets; returns it. */
char *card_name(const struct application_data *data, char *out);
