/* A configuration's octets as libusb's structures, laid out as libusb does it: what is not of USB
 * itself is "extra" of what it follows. */
#include "tests/usb/fake_inside.h"

#include <stdlib.h>
#include <string.h>

enum { TYPE_CONFIG = 2, TYPE_INTERFACE = 4, TYPE_ENDPOINT = 5 };

#define CONFIG_LEN    9
#define INTERFACE_LEN 9
#define ENDPOINT_LEN  7

/* libusb_free_config_descriptor takes const, as libusb's own does. */
static void discard(const void *memory)
{
    union {
        const void *given;
        void *taken;
    } pointer = { memory };

    free(pointer.taken);
}

static void free_setting(const struct libusb_interface_descriptor *s)
{
    for (uint8_t i = 0; s->endpoint && i < s->bNumEndpoints; i++)
        discard(s->endpoint[i].extra);
    discard(s->endpoint);
    discard(s->extra);
}

void LIBUSB_CALL libusb_free_config_descriptor(struct libusb_config_descriptor *config)
{
    if (!config)
        return;
    for (uint8_t i = 0; config->interface && i < config->bNumInterfaces; i++) {
        for (int k = 0; k < config->interface[i].num_altsetting; k++)
            free_setting(&config->interface[i].altsetting[k]);
        discard(config->interface[i].altsetting);
    }
    discard(config->interface);
    discard(config->extra);
    free(config);
}

/* One descriptor from the front; false at the end, and where the lengths do not fit. */
static bool next(struct view *octets, struct view *descriptor)
{
    return octets->len >= 2 && octets->data[0] >= 2 &&
           view_take(octets, octets->data[0], descriptor);
}

static bool is_type(struct view octets, uint8_t type, uint8_t len)
{
    return octets.len >= 2 && octets.data[1] == type && octets.data[0] >= len;
}

/* Takes what is neither interface nor endpoint, as a copy of its own size. */
static void take_extra(struct view *octets, const unsigned char **extra, int *extra_len)
{
    struct view begin = *octets, descriptor;
    unsigned char *copy;

    while (octets->len >= 2 && octets->data[1] != TYPE_INTERFACE &&
           octets->data[1] != TYPE_ENDPOINT && next(octets, &descriptor))
        ;
    begin.len -= octets->len;
    *extra = NULL;
    *extra_len = (int)begin.len;
    copy = begin.len ? malloc(begin.len) : NULL;
    if (copy)
        memcpy(copy, begin.data, begin.len);
    *extra = copy;
}

static void take_endpoint(struct view *octets, struct libusb_endpoint_descriptor *e)
{
    struct view d;

    if (!is_type(*octets, TYPE_ENDPOINT, ENDPOINT_LEN) || !next(octets, &d))
        return;
    e->bLength = d.data[0];
    e->bDescriptorType = d.data[1];
    e->bEndpointAddress = d.data[2];
    e->bmAttributes = d.data[3];
    e->wMaxPacketSize = (uint16_t)(d.data[4] | d.data[5] << 8);
    e->bInterval = d.data[6];
    take_extra(octets, &e->extra, &e->extra_length);
}

static void take_setting(struct view *octets, struct libusb_interface_descriptor *s)
{
    struct libusb_endpoint_descriptor *endpoints;
    uint8_t announced, count = 0;
    struct view d;

    if (!next(octets, &d))
        return;
    s->bLength = d.data[0];
    s->bDescriptorType = d.data[1];
    s->bInterfaceNumber = d.data[2];
    s->bAlternateSetting = d.data[3];
    announced = d.data[4];
    s->bInterfaceClass = d.data[5];
    s->bInterfaceSubClass = d.data[6];
    s->bInterfaceProtocol = d.data[7];
    s->iInterface = d.data[8];
    take_extra(octets, &s->extra, &s->extra_length);
    endpoints = calloc(announced ? announced : 1, sizeof *endpoints);
    if (!endpoints)
        abort();
    while (count < announced && is_type(*octets, TYPE_ENDPOINT, ENDPOINT_LEN))
        take_endpoint(octets, &endpoints[count++]);
    s->bNumEndpoints = count;
    s->endpoint = endpoints;
}

static void add_setting(struct libusb_interface *i, const struct libusb_interface_descriptor *s)
{
    size_t count = (size_t)i->num_altsetting;
    struct libusb_interface_descriptor *settings = calloc(count + 1, sizeof *settings);

    if (!settings)
        abort();
    if (count)
        memcpy(settings, i->altsetting, count * sizeof *settings);
    settings[count] = *s;
    discard(i->altsetting);
    i->altsetting = settings;
    i->num_altsetting++;
}

/* Settings of one interface follow each other. */
static uint8_t take_interfaces(struct view octets, struct libusb_interface *interfaces, uint8_t max)
{
    struct view skipped;
    int last = -1;
    uint8_t count = 0;

    while (octets.len) {
        struct libusb_interface_descriptor s = { 0 };

        if (!is_type(octets, TYPE_INTERFACE, INTERFACE_LEN)) {
            if (!next(&octets, &skipped))
                break;
            continue;
        }
        if (octets.data[2] != last && count == max)
            break;
        take_setting(&octets, &s);
        count = (uint8_t)(count + (s.bInterfaceNumber != last));
        last = s.bInterfaceNumber;
        add_setting(&interfaces[count - 1], &s);
    }
    return count;
}

static int parse(struct view octets, struct libusb_config_descriptor **r_config)
{
    struct libusb_config_descriptor *c;
    struct libusb_interface *interfaces;
    struct view head;

    if (!is_type(octets, TYPE_CONFIG, CONFIG_LEN) || !next(&octets, &head))
        return LIBUSB_ERROR_IO;
    c = calloc(1, sizeof *c);
    interfaces = calloc(head.data[4] ? head.data[4] : 1, sizeof *interfaces);
    if (!c || !interfaces)
        abort();
    c->bLength = head.data[0];
    c->bDescriptorType = head.data[1];
    c->wTotalLength = (uint16_t)(head.data[2] | head.data[3] << 8);
    c->bConfigurationValue = head.data[5];
    c->bmAttributes = head.data[7];
    c->MaxPower = head.data[8];
    take_extra(&octets, &c->extra, &c->extra_length);
    c->bNumInterfaces = take_interfaces(octets, interfaces, head.data[4]);
    c->interface = interfaces;
    *r_config = c;
    return 0;
}

int LIBUSB_CALL libusb_get_active_config_descriptor(libusb_device *device,
                                                    struct libusb_config_descriptor **r_config)
{
    uint8_t octets[USB_CONFIG_MAX];
    int code;

    fake_usb_lock();
    code = fake_usb_enter_locked(FAKE_USB_CONFIG_DESCRIPTOR);
    if (!code)
        code = parse(view_of(octets, usb_model_config(device->model, octets)), r_config);
    fake_usb_unlock();
    return code;
}

int LIBUSB_CALL libusb_get_config_descriptor(libusb_device *device, uint8_t index,
                                             struct libusb_config_descriptor **r_config)
{
    return index ? LIBUSB_ERROR_NOT_FOUND : libusb_get_active_config_descriptor(device, r_config);
}

int LIBUSB_CALL libusb_get_config_descriptor_by_value(libusb_device *device, uint8_t value,
                                                      struct libusb_config_descriptor **r_config)
{
    return value == 1 ? libusb_get_active_config_descriptor(device, r_config)
                      : LIBUSB_ERROR_NOT_FOUND;
}
