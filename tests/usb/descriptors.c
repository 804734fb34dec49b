/* Descriptors of a model in octets: USB 2.0 §9.6, HID 1.11 §6.2.1, CCID 1.1 §5.1. */
#include "tests/usb/model.h"

#include <string.h>

#define FIRST_HID_ENDPOINT 0x87 /* downward: no model has a bulk endpoint there */

enum string_number { STRING_MANUFACTURER = 1, STRING_PRODUCT, STRING_SERIAL };

struct writer {
    uint8_t *at;
};

static void put8(struct writer *w, unsigned int value)
{
    *w->at++ = (uint8_t)value;
}

static void put16(struct writer *w, unsigned int value)
{
    put8(w, value & 0xFF);
    put8(w, value >> 8 & 0xFF);
}

static void put32(struct writer *w, uint32_t value)
{
    put16(w, value & 0xFFFF);
    put16(w, value >> 16);
}

static uint8_t number(const char *string, enum string_number number)
{
    return string ? (uint8_t)number : 0;
}

void usb_model_device(const struct usb_model *model, uint8_t octets[USB_DEVICE_LEN])
{
    struct writer w = { octets };

    put8(&w, USB_DEVICE_LEN);
    put8(&w, 1);
    put16(&w, 0x0200);
    put8(&w, 0); /* the interfaces have classes */
    put8(&w, 0);
    put8(&w, 0);
    put8(&w, 64);
    put16(&w, model->vendor);
    put16(&w, model->product);
    put16(&w, model->release);
    put8(&w, number(model->manufacturer_string, STRING_MANUFACTURER));
    put8(&w, number(model->product_string, STRING_PRODUCT));
    put8(&w, number(model->serial_string, STRING_SERIAL));
    put8(&w, 1);
}

static void put_interface(struct writer *w, unsigned int index, unsigned int endpoints,
                          unsigned int class)
{
    put8(w, 9);
    put8(w, 4);
    put8(w, index);
    put8(w, 0);
    put8(w, endpoints);
    put8(w, class);
    put8(w, 0);
    put8(w, 0);
    put8(w, 0);
}

static void put_endpoint(struct writer *w, unsigned int address, unsigned int type,
                         unsigned int packet, unsigned int interval)
{
    put8(w, 7);
    put8(w, 5);
    put8(w, address);
    put8(w, type);
    put16(w, packet);
    put8(w, interval);
}

static void put_hid(struct writer *w, unsigned int index)
{
    put_interface(w, index, 1, 0x03);
    put8(w, 9);
    put8(w, 0x21);
    put16(w, 0x0110);
    put8(w, 0);
    put8(w, 1);
    put8(w, 0x22);
    put16(w, 34);
    put_endpoint(w, FIRST_HID_ENDPOINT - index, 3, 64, 10);
}

static void put_class(struct writer *w, const struct usb_model *m)
{
    put8(w, CCID_CLASS_LEN);
    put8(w, 0x21);
    put16(w, 0x0100);
    put8(w, m->slots - 1U);
    put8(w, m->voltages);
    put32(w, m->protocols);
    put32(w, 4000);
    put32(w, 4000);
    put8(w, 0);
    put32(w, 307200);
    put32(w, 307200);
    put8(w, 0);
    put32(w, m->max_ifsd);
    put32(w, 0);
    put32(w, 0);
    put32(w, m->features);
    put32(w, m->max_message);
    put8(w, 0xFF);
    put8(w, 0xFF);
    put16(w, 0);
    put8(w, m->pin_support);
    put8(w, 1);
}

/* Others that may come first; a parser goes by their lengths. */
static void put_others(struct writer *w)
{
    static const uint8_t others[] = { 5, 0x24, 0x21, 0x36, 0x00, 3, 0x41, 0x21 };

    memcpy(w->at, others, sizeof others);
    w->at += sizeof others;
}

static void put_ccid(struct writer *w, const struct usb_model *m)
{
    put_interface(w, m->hid_interfaces, m->interrupt_in ? 3 : 2, m->interface_class);
    if (m->place == CLASS_AMONG_OTHERS)
        put_others(w);
    if (m->place != CLASS_AFTER_ENDPOINTS)
        put_class(w, m);
    put_endpoint(w, m->bulk_out, 2, m->packet, 0);
    put_endpoint(w, m->bulk_in, 2, m->packet, 0);
    if (m->interrupt_in)
        put_endpoint(w, m->interrupt_in, 3, INTERRUPT_PACKET, 32);
    if (m->place == CLASS_AFTER_ENDPOINTS)
        put_class(w, m);
}

size_t usb_model_config(const struct usb_model *model, uint8_t octets[USB_CONFIG_MAX])
{
    struct writer w = { octets };
    size_t len;

    put8(&w, 9);
    put8(&w, 2);
    put16(&w, 0); /* the length, below */
    put8(&w, model->hid_interfaces + 1U);
    put8(&w, 1);
    put8(&w, 0);
    put8(&w, 0x80);
    put8(&w, 50);
    for (unsigned int i = 0; i < model->hid_interfaces; i++)
        put_hid(&w, i);
    put_ccid(&w, model);
    len = (size_t)(w.at - octets);
    w.at = octets + 2;
    put16(&w, (unsigned int)len);
    return len;
}

bool usb_model_string(const struct usb_model *model, uint8_t number, struct buffer *octets)
{
    const char *const strings[] = { NULL, model->manufacturer_string, model->product_string,
                                    model->serial_string };
    static const uint8_t languages[] = { 4, 3, 0x09, 0x04 };
    const char *text;

    if (number == 0)
        return !buffer_append(octets, languages, sizeof languages);
    text = number <= STRING_SERIAL ? strings[number] : NULL;
    if (!text || buffer_append_u8(octets, (uint8_t)(2 + 2 * strlen(text))) ||
        buffer_append_u8(octets, 3))
        return false;
    for (; *text; text++)
        if (buffer_append_u8(octets, (uint8_t)*text) || buffer_append_u8(octets, 0))
            return false;
    return true;
}
