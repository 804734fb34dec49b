/* The back end "usb" of a build without libusb. */
#include "ccid/backend.h"

static gpg_error_t usb_open(const char *argument, struct readers **r_readers)
{
    (void)argument, (void)r_readers;
    return gpg_error(GPG_ERR_NOT_SUPPORTED);
}

const struct backend usb_backend = { .scheme = "usb", .open = usb_open };
