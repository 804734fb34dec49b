#include "ccid/usb_name.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

#define STRING_MAX 256
#define PORTS_MAX  7 /* USB 3.2 §10.1 allows five hubs */

void usb_name_path(libusb_device *device, char path[USB_PATH_MAX])
{
    uint8_t ports[PORTS_MAX];
    int count = libusb_get_port_numbers(device, ports, PORTS_MAX);
    size_t len = (size_t)snprintf(path, USB_PATH_MAX, "%u", libusb_get_bus_number(device));

    for (int i = 0; i < count && len < USB_PATH_MAX; i++)
        len += (size_t)snprintf(path + len, USB_PATH_MAX - len, "%c%u", i ? '.' : '-', ports[i]);
}

/* The string with that number, made harmless; "" without one. */
static void read_string(libusb_device_handle *handle, uint8_t number, char out[STRING_MAX])
{
    unsigned char octets[STRING_MAX];
    int len = 0;

    out[0] = '\0';
    if (handle && number)
        len = libusb_get_string_descriptor_ascii(handle, number, octets, sizeof octets);
    if (len > 0)
        text_escape(view_of(octets, (size_t)len), out, STRING_MAX);
}

void usb_name_reader(libusb_device *device, libusb_device_handle *handle, const char *path,
                     char name[READER_NAME_MAX])
{
    struct libusb_device_descriptor d;
    char vendor[STRING_MAX], product[STRING_MAX], serial[STRING_MAX];
    bool twice;

    if (libusb_get_device_descriptor(device, &d))
        memset(&d, 0, sizeof d);
    read_string(handle, d.iManufacturer, vendor);
    read_string(handle, d.iProduct, product);
    read_string(handle, d.iSerialNumber, serial);
    if (!product[0])
        snprintf(product, sizeof product, "USB reader %04x:%04x", d.idVendor, d.idProduct);
    twice = strncmp(product, vendor, strlen(vendor)) == 0;
    snprintf(name, READER_NAME_MAX, "%.36s%s%.36s (%.32s)", twice ? "" : vendor, twice ? "" : " ",
             product, serial[0] ? serial : path);
}

void usb_name_slot(const char *reader, unsigned slot, char name[READER_NAME_MAX])
{
    if (slot == 0)
        snprintf(name, READER_NAME_MAX, "%s", reader);
    else
        snprintf(name, READER_NAME_MAX, "%.116s slot %u", reader, slot + 1);
}
