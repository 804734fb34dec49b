/* The back end "usb" over test devices (fake_libusb.h): what the tests of it share. */
#pragma once

#include "tests/unit/hex.h"
#include "tests/usb/fake_libusb.h"

#include "ccid/reader.h"

#define SELECT_OPENPGP "00A4040006D27600012401"
#define VERIFY_ADMIN   "0020008308 3132333435363738"
#define PATIENCE_MS    60000 /* of the fake's clock */

/* One device with a virtual token in it. */
struct plugged {
    struct usb_token token;
    struct usb_device *device;
};

/* Makes it and plugs it in at bus 1, port `port`; the model outlives it. */
void driver_plug(struct plugged *p, const struct usb_model *model, uint8_t port);
/* Unplugs it if it is not, checks that the host kept to the rules, frees it. */
void driver_unplug(struct plugged *p);
/* The same when the device has made the host break a rule. */
void driver_unplug_spoilt(struct plugged *p);

/* Nothing is plugged in; waits are jumped over. */
void driver_begin(void);
/* Nothing of libusb is left over, and nothing was misused. */
void driver_end(void);

/* Waits, in real time, until the list has so many readers. */
void driver_await(struct readers *readers, size_t count, struct reader_list *list);

/* usb_device_counts and usb_device_fault while the driver is at work. */
struct usb_counts driver_counts(struct plugged *p);
void driver_fault(struct plugged *p, struct usb_fault fault);

/* Connects to the only reader. */
struct reader *driver_connect(struct readers *readers);

/* Sends a command, hex; the answer must be this one. */
#define assert_answer(reader, command, expected)                                                   \
    driver_command_is(reader, command, expected, __FILE__, __LINE__)
void driver_command_is(struct reader *reader, const char *command, const char *expected,
                       const char *file, int line);
