/* What humans call a card. */
#pragma once

#include "apdu/application_data.h"

#define CARD_NAME_MAX 64

/* "Yubico 0006:12345678". out has at least CARD_NAME_MAX octets; returns it. */
char *card_name(const struct application_data *data, char *out);

#define CARD_HOLDER_MAX 40 /* 39 octets at most (OpenPGP card 3.4, 4.4.1) */

/* "John Doe" of DO 65, whose DO 5B says "Doe<<John" (ISO/IEC 7501-1); escaped, "" without one. out
 * has at least CARD_HOLDER_MAX octets; returns it. */
char *card_holder_name(struct view cardholder, char *out);
