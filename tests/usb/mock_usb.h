/* Devices (device.h) behind umockdev: a program with umockdev's library preloaded, this one or its
 * children, finds them below /sys and /dev and opens them with the real libudev and libusb.
 *
 * What the kernel does between libusb and the device is done here: claims, URBs, disconnection.
 * Nodes are always ready for poll, so libusb asks again and again while a transfer is under way:
 * good for what happens, not for how long it takes. */
#pragma once

#include "tests/usb/device.h"

#define MOCK_DEVICES_MAX 4

struct mock_usb;

/* Sets UMOCKDEV_DIR for the children. */
struct mock_usb *mock_usb_new(void);
/* The devices stay the caller's. */
void mock_usb_free(struct mock_usb **mock);

/* Plugs in, at bus 1; the hotplug event goes out. */
void mock_usb_add(struct mock_usb *mock, struct usb_device *device, uint8_t address, uint8_t port);
void mock_usb_remove(struct mock_usb *mock, struct usb_device *device);

/* Another program claims the CCID interface, as sysfs shows it too; or releases it. */
void mock_usb_hold(struct mock_usb *mock, struct usb_device *device, bool hold);

/* The devices are used by umockdev's thread under this mutex. */
void mock_usb_lock(struct mock_usb *mock);
void mock_usb_unlock(struct mock_usb *mock);

/* Open files of the node, claims, and URBs under way of all devices. */
struct mock_usb_alive {
    int files, claims, urbs;
};
struct mock_usb_alive mock_usb_alive(struct mock_usb *mock);
