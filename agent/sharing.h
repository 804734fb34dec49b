/* Who takes the tokens on USB: PC/SC first. A token that our own driver has taken is lost to the
 * PC/SC service until it is plugged in anew, so ours takes one only when told to ("usb"), or in
 * place of a service that does not answer ("usb:spare", the default). Pure. */
#pragma once

#include "ccid/reader.h"

struct sharing {
    bool pcsc;     /* there is a back end of PC/SC */
    bool known;    /* whether its service answers has been found out */
    bool answers;  /* it does */
    bool answered; /* it did, some time */
    bool spare;    /* our own driver stands in for it */
};

bool sharing_is_pcsc(const char *spec);
bool sharing_is_usb(const char *spec);
bool sharing_is_spare(const char *spec);

/* What the back end of PC/SC says of its service (struct reader_list). */
void sharing_note_service(struct sharing *sharing, gpg_error_t service);

/* What to tell the USB back end of this spec (readers_share). */
enum readers_share sharing_wish(const struct sharing *sharing, const char *spec, int64_t *after_ms);
