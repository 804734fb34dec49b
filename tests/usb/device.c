#include "tests/usb/inside.h"

#include <stdlib.h>
#include <string.h>

#define EXTENSION_MS 10

gpg_error_t usb_device_new(const struct usb_model *model, const struct usb_card *card,
                           struct usb_device **r_device)
{
    struct usb_device *d = calloc(1, sizeof *d);

    if (!d)
        return gpg_error(GPG_ERR_ENOMEM);
    d->model = model;
    d->card = card;
    d->present = true;
    d->negotiated = 1;
    d->abort_sequence = -1;
    d->extension_ms = EXTENSION_MS;
    d->command = BUFFER(MESSAGE_MAX);
    d->answer = BUFFER(TOKEN_ANSWER_MAX);
    d->secure_body = BUFFER(MESSAGE_MAX);
    t1_card_init(&d->t1, card);
    *r_device = d;
    return 0;
}

void usb_device_free(struct usb_device **device)
{
    struct usb_device *d = *device;

    if (!d)
        return;
    packets_drop(&d->in);
    packets_drop(&d->interrupt);
    buffer_free(&d->command);
    buffer_free(&d->answer);
    buffer_free(&d->secure_body);
    t1_card_free(&d->t1);
    free(d);
    *device = NULL;
}

const struct usb_model *usb_device_model(const struct usb_device *device)
{
    return device->model;
}

void device_complain(struct usb_device *d, const char *what)
{
    if (!d->complaint)
        d->complaint = what;
}

enum usb_status usb_device_out(struct usb_device *d, uint8_t endpoint, struct view data,
                               int64_t now_ms)
{
    if (d->gone)
        return USB_GONE;
    if (endpoint != d->model->bulk_out || d->halted_out)
        return USB_STALL;
    d->now_ms = now_ms;
    if (!data.len)
        return USB_DONE; /* the end of what filled its packets */
    d->messages++;
    if (fault_strikes(d, FAULT_GONE)) {
        d->gone = true;
        return USB_GONE;
    }
    if (fault_strikes(d, FAULT_STALL_OUT)) {
        d->halted_out = true;
        return USB_STALL;
    }
    d->counts.bulk_out++;
    message_take(d, data);
    return USB_DONE;
}

static enum usb_status bulk_in(struct usb_device *d, uint8_t *data, size_t size, size_t *filled,
                               int64_t now_ms)
{
    if (d->halted_in)
        return USB_STALL;
    if (d->babble) {
        d->babble = false;
        *filled = size;
        return USB_OVERFLOW;
    }
    secure_go_on(d);
    if (!d->in.first)
        fault_go_on(d);
    return packets_take(&d->in, d->model->packet, data, size, filled, now_ms);
}

enum usb_status usb_device_in(struct usb_device *d, uint8_t endpoint, uint8_t *data, size_t size,
                              size_t *filled, int64_t now_ms)
{
    enum usb_status status;

    if (d->gone)
        return USB_GONE;
    d->now_ms = now_ms;
    if (endpoint == d->model->bulk_in) {
        status = bulk_in(d, data, size, filled, now_ms);
        d->counts.bulk_in += status == USB_DONE;
    } else if (endpoint == d->model->interrupt_in) {
        status = packets_take(&d->interrupt, INTERRUPT_PACKET, data, size, filled, now_ms);
        d->counts.interrupt_in += status == USB_DONE;
    } else {
        status = USB_PENDING; /* a HID interface on which nobody types */
    }
    return status;
}

int64_t usb_device_next_ms(const struct usb_device *d)
{
    int64_t next = INT64_MAX;

    if (d->gone || d->halted_in || d->babble)
        return d->now_ms;
    if (d->in.first)
        next = d->in.first->ready_ms;
    if (d->typing && d->typed_ms < next)
        next = d->typed_ms;
    if (d->interrupt.first && d->interrupt.first->ready_ms < next)
        next = d->interrupt.first->ready_ms;
    return next;
}

/* What does not outlive a reset of the port or the loss of power. */
static void start_anew(struct usb_device *d)
{
    message_power_off(d);
    packets_drop(&d->in);
    packets_drop(&d->interrupt);
    d->halted_in = d->halted_out = d->babble = d->zlp_owed = d->typing = false;
    d->endless = FAULT_NONE;
    d->abort_sequence = -1;
    d->busy_ms = 0;
}

void usb_device_reset(struct usb_device *d)
{
    d->counts.resets++;
    start_anew(d);
}

void usb_device_clear_halt(struct usb_device *d, uint8_t endpoint)
{
    d->counts.halts_cleared++;
    if (endpoint == d->model->bulk_in)
        d->halted_in = false;
    else if (endpoint == d->model->bulk_out)
        d->halted_out = false;
}

void usb_device_unplug(struct usb_device *d)
{
    d->gone = true;
    start_anew(d);
}

void usb_device_plug(struct usb_device *d)
{
    start_anew(d);
    d->gone = false;
}

bool usb_device_gone(const struct usb_device *d)
{
    return d->gone;
}

void usb_device_interrupt(struct usb_device *d, struct view packet)
{
    packets_add(&d->interrupt, packet, 0);
}

/* CCID 1.1 §6.3.1 */
void usb_device_card(struct usb_device *d, bool present)
{
    uint8_t notify[] = { 0x50, present ? 3 : 2 };

    if (!present)
        message_power_off(d);
    d->present = present;
    if (d->model->interrupt_in)
        usb_device_interrupt(d, view_of(notify, sizeof notify));
}

void usb_device_fault(struct usb_device *d, struct usb_fault fault)
{
    d->fault = fault;
    d->messages = 0;
}

void usb_device_zlp(struct usb_device *d, enum zlp zlp)
{
    d->zlp = zlp;
}

void usb_device_touch(struct usb_device *d, int64_t touch_ms, int64_t extension_ms, bool hint)
{
    d->touch_ms = touch_ms;
    d->extension_ms = extension_ms;
    d->touch_hint = hint;
}

void usb_device_slow(struct usb_device *d, int64_t ms)
{
    d->slow_ms = ms;
}

void usb_device_type_pin(struct usb_device *d, const char *pin, int64_t typing_ms)
{
    d->pin = pin;
    d->typing_ms = typing_ms;
}

void usb_device_for_banks(struct usb_device *d)
{
    d->emv = true;
}

void usb_device_negotiates(struct usb_device *d, uint8_t protocol, uint8_t ifsc)
{
    d->negotiated = protocol;
    d->smaller_ifs = ifsc;
}

unsigned int usb_device_messages(const struct usb_device *d)
{
    return d->messages;
}

struct usb_counts usb_device_counts(const struct usb_device *d)
{
    return d->counts;
}

const char *usb_device_complaint(const struct usb_device *d)
{
    return d->complaint;
}

bool usb_device_powered(const struct usb_device *d)
{
    return d->powered;
}

bool usb_device_types(const struct usb_device *d)
{
    return d->typing;
}

uint8_t usb_device_speed(const struct usb_device *d)
{
    return d->speed;
}

struct t1_card *usb_device_t1(struct usb_device *d)
{
    return &d->t1;
}
