/* The inside of fake_libusb. Everything is under one mutex; functions that end in _locked, and all
 * statics, are called with it. */
#pragma once

#include "tests/usb/fake_libusb.h"

#include "base/deadline.h"

#include <pthread.h>

#define CALLBACKS_MAX     8
#define INTERFACES_MAX    32
#define PACKET_HIGH_SPEED 512

struct libusb_device {
    struct libusb_device *next;
    struct usb_device *device; /* NULL: unplugged */
    const struct usb_model *model;
    uint8_t bus, address, port;
    int references;
    bool denied, held, listed;
};

struct libusb_device_handle {
    struct libusb_context *context; /* some: the fake's contexts share their transfers */
    struct libusb_device *device;
    unsigned int claimed; /* a bit an interface */
    struct libusb_device_handle *next;
};

struct hotplug {
    bool used;
    int events, vendor, product, class;
    libusb_hotplug_callback_fn callback;
    void *user;
};

struct news {
    struct news *next;
    struct libusb_device *device;
    libusb_hotplug_event event;
};

struct flight {
    struct flight *next;
    bool flying, cancelled;
    struct deadline deadline;
    size_t filled;
    struct libusb_transfer transfer; /* last: it ends in an array */
};

struct libusb_context {
    struct libusb_context *next;
    struct hotplug hotplugs[CALLBACKS_MAX];
    struct news *news;
    unsigned int interrupts;
    int references; /* of the default context */
};

struct fake_usb {
    struct libusb_context *contexts, *standard;
    struct libusb_device *devices;
    struct libusb_device_handle *handles;
    struct flight *flights;
    struct fake_usb_alive alive;
    int codes[FAKE_USB_CALLS];
    unsigned int counts[FAKE_USB_CALLS];
    bool hasty;
    uint8_t sticks; /* type of transfer */
    const char *misuse;
};

extern struct fake_usb fake_usb;
extern pthread_mutex_t fake_usb_mutex;
extern pthread_cond_t fake_usb_changed;

/* Counts the call; what it shall fail with, 0: nothing. */
int fake_usb_enter_locked(enum fake_usb_call call);
void fake_usb_misuse_locked(const char *what);

void fake_usb_ref_locked(struct libusb_device *device);
void fake_usb_unref_locked(struct libusb_device *device);

/* Looks whether the transfer has come to its end, and then with what. */
bool fake_usb_progress_locked(struct flight *flight, enum libusb_transfer_status *status);
bool fake_usb_sticks_locked(const struct flight *flight);
struct flight *fake_usb_flight(struct libusb_transfer *transfer);

/* Sleeps until something changes or the time comes: the deadline, or a flight's (all of them
 * without one), or a device's next word. */
void fake_usb_sleep_locked(struct deadline deadline, const struct flight *flight);
