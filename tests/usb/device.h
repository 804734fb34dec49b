/* A CCID device as a host controller sees it: control, bulk and interrupt transfers on a model's
 * endpoints, with a card behind. No transport, no thread, no clock: the caller says what time it
 * is. Used behind fake_libusb.h, umockdev and the kernel's vhci. */
#pragma once

#include "tests/usb/card.h"
#include "tests/usb/fault.h"
#include "tests/usb/t1_card.h"

enum usb_status {
    USB_DONE,
    USB_PENDING, /* nothing, or not all, has come yet: ask again */
    USB_STALL,
    USB_OVERFLOW, /* a packet larger than the room left */
    USB_GONE,     /* unplugged */
};

/* After an answer that fills its last packet. */
enum zlp { ZLP_SENT, ZLP_NEVER, ZLP_LATE /* before the next answer */ };

struct usb_counts {
    unsigned int bulk_out, bulk_in, control, interrupt_in; /* transfers that were done */
    unsigned int power_ons, blocks, secures; /* IccPowerOn, XfrBlock and Secure messages */
    unsigned int resets, halts_cleared, aborts;
    unsigned int parameter_gets, parameter_sets, parameter_resets;
    unsigned int configurations_set, interfaces_set;
};

struct usb_device;

/* Plugged in, the card in its slot. Both are borrowed. */
gpg_error_t usb_device_new(const struct usb_model *model, const struct usb_card *card,
                           struct usb_device **r_device);
void usb_device_free(struct usb_device **device);
const struct usb_model *usb_device_model(const struct usb_device *device);

/* --- The host's side --- */

/* `out` for requests to the device; `in`, whose cap is wLength, for answers. */
enum usb_status usb_device_control(struct usb_device *device, const uint8_t setup[8],
                                   struct view out, struct buffer *in);
enum usb_status usb_device_out(struct usb_device *device, uint8_t endpoint, struct view data,
                               int64_t now_ms);
/* One transfer: adds to the *filled octets that are there. After USB_PENDING the same call goes on
 * with it; a transfer given up keeps what it got. */
enum usb_status usb_device_in(struct usb_device *device, uint8_t endpoint, uint8_t *data,
                              size_t size, size_t *filled, int64_t now_ms);
/* When something may come of itself; INT64_MAX: only if the host does something. */
int64_t usb_device_next_ms(const struct usb_device *device);
void usb_device_reset(struct usb_device *device);
/* CLEAR_FEATURE(ENDPOINT_HALT), for hosts that have a call for it. */
void usb_device_clear_halt(struct usb_device *device, uint8_t endpoint);

/* --- The human's and the test's side --- */

void usb_device_unplug(struct usb_device *device);
/* Back again, as if it had no memory of before; the card keeps its own. */
void usb_device_plug(struct usb_device *device);
bool usb_device_gone(const struct usb_device *device);
/* Takes the card out, or puts it in; told over the interrupt endpoint where there is one. */
void usb_device_card(struct usb_device *device, bool present);
/* Octets for the interrupt endpoint. */
void usb_device_interrupt(struct usb_device *device, struct view packet);

void usb_device_fault(struct usb_device *device, struct usb_fault fault);
void usb_device_zlp(struct usb_device *device, enum zlp zlp);
/* How long a touch takes, with time extensions that far apart; bError is 0xFF in them for a device
 * that says so (Gnuk), 1 otherwise. */
void usb_device_touch(struct usb_device *device, int64_t touch_ms, int64_t extension_ms, bool hint);
/* The next commands take this long, with time extensions as those. */
void usb_device_slow(struct usb_device *device, int64_t ms);
/* What is typed at the pinpad: one PIN after the other, with commas between them, and the last for
 * good. An empty one is never typed; NULL: cancelled. Borrowed. Typing takes so long. */
void usb_device_type_pin(struct usb_device *device, const char *pin, int64_t typing_ms);
/* A reader that takes cards of banks alone until it is told to take others. */
void usb_device_for_banks(struct usb_device *device);
/* What a reader that negotiates by itself comes to: T=0 or T=1, and blocks that are smaller than
 * the card's own (0: are not). */
void usb_device_negotiates(struct usb_device *device, uint8_t protocol, uint8_t ifsc);
/* Messages since usb_device_fault. */
unsigned int usb_device_messages(const struct usb_device *device);
struct usb_counts usb_device_counts(const struct usb_device *device);
/* The first thing that the host did against the rules of its class or level; NULL: nothing. */
const char *usb_device_complaint(const struct usb_device *device);
/* Whether its card has power, and whether its keypad waits for fingers. */
bool usb_device_powered(const struct usb_device *device);
bool usb_device_types(const struct usb_device *device);
/* Of a TPDU model: Fi and Di that the card speaks with (ISO/IEC 7816-3 §7.1), and the card. */
uint8_t usb_device_speed(const struct usb_device *device);
struct t1_card *usb_device_t1(struct usb_device *device);
