/* Requests on endpoint 0: USB 2.0 §9.4, CCID 1.1 §5.3. */
#include "tests/usb/inside.h"

enum {
    GET_STATUS,
    CLEAR_FEATURE,
    GET_DESCRIPTOR = 6,
    GET_CONFIGURATION = 8,
    SET_CONFIGURATION,
    GET_INTERFACE,
    SET_INTERFACE
};
enum { CCID_ABORT = 1, CCID_GET_CLOCKS, CCID_GET_RATES };

struct request {
    uint8_t type, request;
    uint16_t value, index;
};

/* At most as much as `in` holds: an answer is cut at wLength. */
static enum usb_status give(struct buffer *in, const void *octets, size_t len)
{
    buffer_clear(in);
    (void)buffer_append(in, octets, len < in->max ? len : in->max);
    return USB_DONE;
}

static enum usb_status descriptor(const struct usb_device *d, uint16_t which, struct buffer *in)
{
    uint8_t octets[USB_CONFIG_MAX];
    struct buffer string = BUFFER(256);
    enum usb_status status = USB_STALL;

    switch (which >> 8) {
    case 1:
        usb_model_device(d->model, octets);
        return give(in, octets, USB_DEVICE_LEN);
    case 2:
        return give(in, octets, usb_model_config(d->model, octets));
    case 3:
        if (usb_model_string(d->model, (uint8_t)which, &string))
            status = give(in, string.data, string.len);
        buffer_free(&string);
        return status;
    default:
        return USB_STALL;
    }
}

static enum usb_status standard(struct usb_device *d, const struct request *r, struct buffer *in)
{
    static const uint8_t status[2], setting[1], configuration[] = { 1 };

    switch (r->request) {
    case GET_STATUS:
        return give(in, status, sizeof status);
    case CLEAR_FEATURE:
        if (r->type == 2)
            usb_device_clear_halt(d, (uint8_t)r->index);
        return USB_DONE;
    case GET_DESCRIPTOR:
        return r->type == 0x80 ? descriptor(d, r->value, in) : USB_STALL;
    case GET_CONFIGURATION:
        return give(in, configuration, sizeof configuration);
    case SET_CONFIGURATION:
        d->counts.configurations_set++;
        return USB_DONE;
    case GET_INTERFACE:
        return give(in, setting, sizeof setting);
    case SET_INTERFACE:
        d->counts.interfaces_set++;
        d->halted_in = d->halted_out = false;
        return USB_DONE;
    default:
        return USB_STALL;
    }
}

static enum usb_status class_request(struct usb_device *d, const struct request *r,
                                     struct buffer *in)
{
    static const uint8_t clock[] = { 0xA0, 0x0F, 0, 0 }, rate[] = { 0x00, 0xB0, 0x04, 0 };

    if ((r->index & 0xFF) != d->model->hid_interfaces)
        return USB_STALL;
    switch (r->request) {
    case CCID_ABORT:
        d->abort_sequence = r->value >> 8;
        return USB_DONE;
    case CCID_GET_CLOCKS:
        return give(in, clock, sizeof clock);
    case CCID_GET_RATES:
        return give(in, rate, sizeof rate);
    default:
        return USB_STALL;
    }
}

enum usb_status usb_device_control(struct usb_device *d, const uint8_t setup[8], struct view out,
                                   struct buffer *in)
{
    struct request r = { setup[0], setup[1], (uint16_t)(setup[2] | setup[3] << 8),
                         (uint16_t)(setup[4] | setup[5] << 8) };

    (void)out;
    if (d->gone)
        return USB_GONE;
    d->counts.control++;
    if ((r.type & 0x60) == 0)
        return standard(d, &r, in);
    return (r.type & 0x7F) == 0x21 ? class_request(d, &r, in) : USB_STALL;
}
