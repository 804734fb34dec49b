/* A host for the tests of the test devices: the least of a CCID driver over libusb that can speak
 * to a card at every level. It knows no recovery; what is not as it should be is an error. */
#pragma once

#include "base/bytes.h"

#include <libusb.h>

struct exerciser {
    libusb_device_handle *handle;
    int interface;
    uint8_t bulk_out, bulk_in, interrupt_in;
    uint32_t features, max_message;
    uint8_t sequence, ns, nr;
    unsigned int extensions; /* time extensions so far */
    uint8_t last_error;      /* bError of the last of them */
    unsigned int timeout_ms; /* of a transfer */
};

/* Opens the device, finds and claims its CCID interface. An error of libusb, 0: it worked. */
int exerciser_open(struct exerciser *e, libusb_device *device);
void exerciser_close(struct exerciser *e);

/* Negative: an error of libusb; positive: 1000 + bError, or 2000: the answer makes no sense. */
int exerciser_power_on(struct exerciser *e, struct buffer *atr);
int exerciser_command(struct exerciser *e, struct view apdu, struct buffer *answer);
