/* libusb's devices and handles. */
#include "tests/usb/fake_inside.h"

#include <stdlib.h>

int LIBUSB_CALL libusb_init(libusb_context **r_context)
{
    struct libusb_context *c;
    int code;

    fake_usb_lock();
    code = fake_usb_enter_locked(FAKE_USB_INIT);
    if (code || (!r_context && fake_usb.standard)) {
        if (!code)
            fake_usb.standard->references++;
        fake_usb_unlock();
        return code;
    }
    c = calloc(1, sizeof *c);
    if (!c)
        abort();
    c->references = 1;
    c->next = fake_usb.contexts;
    fake_usb.contexts = c;
    fake_usb.alive.contexts++;
    if (r_context)
        *r_context = c;
    else
        fake_usb.standard = c;
    fake_usb_unlock();
    return 0;
}

static void drop_news(struct libusb_context *c)
{
    while (c->news) {
        struct news *news = c->news;

        c->news = news->next;
        fake_usb_unref_locked(news->device);
        free(news);
    }
}

void LIBUSB_CALL libusb_exit(libusb_context *context)
{
    struct libusb_context *c = context ? context : fake_usb.standard;

    fake_usb_lock();
    if (--c->references == 0) {
        for (struct libusb_device_handle *h = fake_usb.handles; h; h = h->next)
            if (h->context == c)
                fake_usb_misuse_locked("a context left before its handles");
        for (struct libusb_context **at = &fake_usb.contexts; *at; at = &(*at)->next)
            if (*at == c) {
                *at = c->next;
                break;
            }
        drop_news(c);
        fake_usb.alive.contexts--;
        if (c == fake_usb.standard)
            fake_usb.standard = NULL;
        free(c);
    }
    fake_usb_unlock();
}

ssize_t LIBUSB_CALL libusb_get_device_list(libusb_context *context, libusb_device ***r_list)
{
    libusb_device **list;
    ssize_t count = 0;

    (void)context;
    fake_usb_lock();
    count = fake_usb_enter_locked(FAKE_USB_LIST);
    list = count ? NULL : calloc((size_t)fake_usb.alive.devices + 1, sizeof *list);
    for (struct libusb_device *d = fake_usb.devices; d && list; d = d->next)
        if (d->listed) {
            fake_usb_ref_locked(d);
            list[count++] = d;
        }
    fake_usb_unlock();
    if (list)
        *r_list = list;
    return count;
}

void LIBUSB_CALL libusb_free_device_list(libusb_device **list, int unref)
{
    for (size_t i = 0; list && list[i] && unref; i++)
        libusb_unref_device(list[i]);
    free(list);
}

libusb_device *LIBUSB_CALL libusb_ref_device(libusb_device *device)
{
    fake_usb_lock();
    fake_usb_ref_locked(device);
    fake_usb_unlock();
    return device;
}

void LIBUSB_CALL libusb_unref_device(libusb_device *device)
{
    fake_usb_lock();
    fake_usb_unref_locked(device);
    fake_usb_unlock();
}

int LIBUSB_CALL libusb_get_device_descriptor(libusb_device *device,
                                             struct libusb_device_descriptor *d)
{
    uint8_t o[USB_DEVICE_LEN];
    int code;

    fake_usb_lock();
    code = fake_usb_enter_locked(FAKE_USB_DEVICE_DESCRIPTOR);
    fake_usb_unlock();
    if (code)
        return code;
    usb_model_device(device->model, o);
    *d = (struct libusb_device_descriptor){ .bLength = o[0],
                                            .bDescriptorType = o[1],
                                            .bcdUSB = (uint16_t)(o[2] | o[3] << 8),
                                            .bMaxPacketSize0 = o[7],
                                            .idVendor = (uint16_t)(o[8] | o[9] << 8),
                                            .idProduct = (uint16_t)(o[10] | o[11] << 8),
                                            .bcdDevice = (uint16_t)(o[12] | o[13] << 8),
                                            .iManufacturer = o[14],
                                            .iProduct = o[15],
                                            .iSerialNumber = o[16],
                                            .bNumConfigurations = o[17] };
    return 0;
}

uint8_t LIBUSB_CALL libusb_get_bus_number(libusb_device *device)
{
    return device->bus;
}

uint8_t LIBUSB_CALL libusb_get_device_address(libusb_device *device)
{
    return device->address;
}

uint8_t LIBUSB_CALL libusb_get_port_number(libusb_device *device)
{
    return device->port;
}

int LIBUSB_CALL libusb_get_port_numbers(libusb_device *device, uint8_t *ports, int size)
{
    if (size < 1)
        return LIBUSB_ERROR_OVERFLOW;
    ports[0] = device->port;
    return 1;
}

libusb_device *LIBUSB_CALL libusb_get_parent(libusb_device *device)
{
    (void)device;
    return NULL;
}

int LIBUSB_CALL libusb_get_device_speed(libusb_device *device)
{
    return device->model->packet == PACKET_HIGH_SPEED ? LIBUSB_SPEED_HIGH : LIBUSB_SPEED_FULL;
}

int LIBUSB_CALL libusb_get_max_packet_size(libusb_device *device, unsigned char endpoint)
{
    if (endpoint == device->model->bulk_in || endpoint == device->model->bulk_out)
        return device->model->packet;
    return endpoint == device->model->interrupt_in ? INTERRUPT_PACKET : LIBUSB_ERROR_NOT_FOUND;
}
