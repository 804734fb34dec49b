/* libusb without a kernel: its functions, defined here, take the place of the library's in a
 * program that links this, and reach the devices (device.h) that a test has put there.
 *
 * Time: the clock of the program (clock_gettime, timed waits on conditions and pauses by poll, all
 * wrapped) can be made to jump over waits that only a transfer's end or the device's next word
 * would end. */
#pragma once

#include "tests/usb/device.h"

#include <libusb.h>

enum fake_usb_call {
    FAKE_USB_INIT,
    FAKE_USB_LIST,
    FAKE_USB_DEVICE_DESCRIPTOR,
    FAKE_USB_CONFIG_DESCRIPTOR,
    FAKE_USB_OPEN,
    FAKE_USB_CLAIM,
    FAKE_USB_HOTPLUG,
    FAKE_USB_ALLOC,
    FAKE_USB_SUBMIT,
    FAKE_USB_SYNC, /* bulk, interrupt and control transfers that wait for their end */
    FAKE_USB_EVENTS,
    FAKE_USB_CLEAR_HALT,
    FAKE_USB_RESET,
    FAKE_USB_CALLS
};

/* No devices, everything works, nothing is counted. Not while a libusb_context is there. */
void fake_usb_reset(void);

/* Plugs a device in, borrowed; the hotplug callbacks hear of it. */
void fake_usb_add(struct usb_device *device, uint8_t bus, uint8_t address, uint8_t port);
/* Unplugs it. Transfers under way end, and the callbacks hear of it; libusb_device structures
 * that somebody still has stay good. A device that unplugged itself (FAULT_GONE) wants this too. */
void fake_usb_remove(struct usb_device *device);

/* Opening is refused: no udev rule. */
void fake_usb_deny(struct usb_device *device, bool deny);
/* Another program has claimed the interface. */
void fake_usb_hold(struct usb_device *device, bool hold);

/* What a call returns from now on; 0: it works. */
void fake_usb_fail(enum fake_usb_call call, int code);
/* Whether waits are jumped over. */
void fake_usb_hasty(bool hasty);

/* Transfers of this type (libusb_transfer_type) that are cancelled do not end any more but with
 * their handle; 0: all do. */
void fake_usb_stick(uint8_t type);

unsigned int fake_usb_count(enum fake_usb_call call);
/* What is there now: contexts, handles, claimed interfaces, transfers allocated, and under way. */
struct fake_usb_alive {
    int contexts, handles, claims, transfers, flying, devices;
};
struct fake_usb_alive fake_usb_alive(void);
/* A claim or alternate setting of an interface that is not CCID, a second claim, a detached driver,
 * a changed configuration, a structure released once too often or used after; NULL: none. */
const char *fake_usb_misuse(void);

/* The devices belong to the fake's mutex while other threads use libusb. */
void fake_usb_lock(void);
void fake_usb_unlock(void); /* and whoever waits looks again */
