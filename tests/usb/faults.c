#include "tests/usb/inside.h"

#include <string.h>

#define STALE_ANSWERS 3

bool fault_strikes(const struct usb_device *d, enum usb_fault_kind kind)
{
    unsigned int times = d->fault.times ? d->fault.times : 1;
    unsigned int at = d->messages - 1; /* the one that is being taken */

    return d->fault.kind == kind && at >= d->fault.at && at < d->fault.at + times;
}

static void put_length(uint8_t *message, uint32_t len)
{
    for (int i = 0; i < 4; i++)
        message[1 + i] = (uint8_t)(len >> 8 * i);
}

/* An answer with these status and error, and nothing in it. */
static void send_bare(struct usb_device *d, uint8_t type, uint8_t sequence_off, uint8_t status,
                      uint8_t error, int64_t after_ms)
{
    uint8_t bare[MESSAGE_HEADER];

    memcpy(bare, d->pattern, sizeof bare);
    bare[0] = type;
    put_length(bare, 0);
    bare[6] = (uint8_t)(bare[6] - sequence_off);
    bare[7] = status;
    bare[8] = error;
    bare[9] = 0;
    packets_send(d, view_of(bare, sizeof bare), after_ms);
}

static void send_extension(struct usb_device *d)
{
    send_bare(d, d->pattern[0], 0, COMMAND_EXTENDED, 1, d->extension_ms);
}

void fault_go_on(struct usb_device *d)
{
    if (d->endless == FAULT_ENDLESS_EXTENSION)
        send_extension(d);
    else if (d->endless == FAULT_ENDLESS_STALE)
        send_bare(d, d->pattern[0], 1, 0, 0, d->extension_ms);
}

/* Changes octets of the header; what is not said here stays. */
static void spoil(const struct usb_device *d, uint8_t *message)
{
    if (fault_strikes(d, FAULT_HUGE_LENGTH))
        put_length(message, 0xFFFFFFF0);
    if (fault_strikes(d, FAULT_WRONG_SLOT))
        message[5] = 5;
    if (fault_strikes(d, FAULT_WRONG_SEQUENCE))
        message[6] ^= 0x80;
    if (fault_strikes(d, FAULT_WRONG_TYPE))
        message[0] = 0x99;
    if (fault_strikes(d, FAULT_ENDLESS_CHAIN) && message[0] == FROM_BLOCK)
        message[9] = 1;
}

static void send_split(struct usb_device *d, struct view octets)
{
    struct view first;

    if (!view_take(&octets, d->model->packet, &first)) {
        packets_send(d, octets, 0);
        return;
    }
    packets_add(&d->in, first, d->now_ms);
    packets_add(&d->in, view_of(NULL, 0), d->now_ms);
    packets_add(&d->in, view_of(NULL, 0), d->now_ms);
    packets_send(d, octets, 0);
}

static void send_sized(struct usb_device *d, struct view octets)
{
    static const uint8_t zeros[6];
    struct buffer longer = BUFFER(MESSAGE_MAX + sizeof zeros);

    if (fault_strikes(d, FAULT_SHORT_HEADER)) {
        octets.len = 5;
    } else if (fault_strikes(d, FAULT_CUT)) {
        octets.len = MESSAGE_HEADER + (octets.len - MESSAGE_HEADER) / 2;
    } else if (fault_strikes(d, FAULT_TRAILING)) {
        (void)buffer_append_view(&longer, octets);
        (void)buffer_append(&longer, zeros, sizeof zeros);
        octets = buffer_view(&longer);
    }
    if (fault_strikes(d, FAULT_SPLIT))
        send_split(d, octets);
    else
        packets_send(d, octets, 0);
    buffer_free(&longer);
}

static void send_before(struct usb_device *d)
{
    if (fault_strikes(d, FAULT_EMPTY_FIRST))
        packets_add(&d->in, view_of(NULL, 0), d->now_ms);
    for (uint8_t i = 0; fault_strikes(d, FAULT_STALE) && i < STALE_ANSWERS; i++)
        send_bare(d, d->pattern[0], (uint8_t)(STALE_ANSWERS - i), 0, 0, 0);
    for (unsigned int i = 0; fault_strikes(d, FAULT_EXTENSION) && i < d->fault.value; i++)
        send_extension(d);
}

static bool takes_its_place(struct usb_device *d)
{
    if (fault_strikes(d, FAULT_FAILED))
        send_bare(d, d->pattern[0], 0, COMMAND_FAILED, d->fault.value, 0);
    else if (fault_strikes(d, FAULT_FAILED_STATUS))
        send_bare(d, FROM_STATUS, 0, COMMAND_FAILED, d->fault.value, 0);
    else if (fault_strikes(d, FAULT_ENDLESS_EXTENSION) || fault_strikes(d, FAULT_ENDLESS_STALE))
        d->endless = d->fault.kind;
    else if (fault_strikes(d, FAULT_STALL))
        d->halted_in = true;
    else if (fault_strikes(d, FAULT_BABBLE))
        d->babble = true;
    else
        return fault_strikes(d, FAULT_NO_ANSWER);
    return true;
}

void fault_send(struct usb_device *d, struct view octets)
{
    struct buffer spoilt = BUFFER(MESSAGE_MAX);

    memcpy(d->pattern, octets.data, MESSAGE_HEADER);
    if (takes_its_place(d) || buffer_append_view(&spoilt, octets))
        return;
    if (fault_strikes(d, FAULT_CUT) && octets.len == MESSAGE_HEADER)
        put_length(spoilt.data, 8);
    spoil(d, spoilt.data);
    send_before(d);
    send_sized(d, buffer_view(&spoilt));
    buffer_free(&spoilt);
}
