/* Finds the CCID interfaces of a USB device in its descriptors, and what is known of some devices
 * that their descriptors do not tell. No I/O. */
#pragma once

#include "ccid/ccid_descriptor.h"
#include "ccid/ccid_keypad.h"

#include <libusb.h>

#define USB_INTERFACES_MAX 4 /* CCID interfaces of one device that are looked at */

struct usb_interface {
    uint8_t number;
    uint8_t in, out;    /* addresses of the bulk endpoints */
    uint8_t notice;     /* of the interrupt endpoint; 0: none */
    uint16_t in_packet; /* most octets in a packet of `in`; not 0 */
    bool alone;         /* the device has no other interface */
    struct ccid_descriptor ccid;
    const struct ccid_keypad *keypad; /* NULL: no keypad that is known to work */
};

/* Interfaces of class 0x0b with bulk endpoints both ways, and of the vendor's own class for the
 * devices of udev/devices.table that have it. Returns how many. */
size_t usb_interfaces_find(const struct libusb_device_descriptor *device,
                           const struct libusb_config_descriptor *config,
                           struct usb_interface found[USB_INTERFACES_MAX]);
