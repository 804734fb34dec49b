/* Who holds an interface of a USB device, found without touching the device. */
#pragma once

#include "base/bytes.h"

#define USB_PATH_MAX 40 /* "1-2.3.4": bus and ports, as the kernel writes them, with the NUL */

struct usb_place {
    uint8_t bus, address;
    char path[USB_PATH_MAX];
    uint8_t configuration, interface;
};

/* Writes "scdaemon (process 123)", "the kernel's driver NAME" or "another program", the last when
 * the program belongs to another user; false when nobody holds it or nothing can be found out.
 * `root` stands before /sys, /proc and /dev: "" outside of tests. */
bool usb_holder(const char *root, const struct usb_place *place, char *out, size_t size);
