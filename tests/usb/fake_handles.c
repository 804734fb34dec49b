/* libusb's open devices. */
#include "tests/usb/fake_inside.h"

#include <stdlib.h>

static int may_open(const struct libusb_device *device)
{
    int code = fake_usb_enter_locked(FAKE_USB_OPEN);

    if (code)
        return code;
    if (!device->device || usb_device_gone(device->device))
        return LIBUSB_ERROR_NO_DEVICE;
    return device->denied ? LIBUSB_ERROR_ACCESS : 0;
}

int LIBUSB_CALL libusb_open(libusb_device *device, libusb_device_handle **r_handle)
{
    struct libusb_device_handle *h = calloc(1, sizeof *h);
    int code;

    if (!h)
        abort();
    fake_usb_lock();
    code = may_open(device);
    if (code) {
        free(h);
    } else {
        fake_usb_ref_locked(device);
        h->device = device;
        h->context = fake_usb.contexts;
        h->next = fake_usb.handles;
        fake_usb.handles = h;
        fake_usb.alive.handles++;
        *r_handle = h;
    }
    fake_usb_unlock();
    return code;
}

static void forget_claims(struct libusb_device_handle *h)
{
    for (unsigned int bit = 1; bit; bit <<= 1)
        if (h->claimed & bit)
            fake_usb.alive.claims--;
}

/* libusb drops what is still under way, and its callbacks are never called. */
static void drop_flights(const struct libusb_device_handle *handle)
{
    for (struct flight *f = fake_usb.flights; f; f = f->next) {
        if (!f->flying || f->transfer.dev_handle != handle)
            continue;
        if (!fake_usb_sticks_locked(f))
            fake_usb_misuse_locked("a handle closed under a transfer");
        f->flying = false;
        f->transfer.dev_handle = NULL;
        fake_usb.alive.flying--;
    }
}

void LIBUSB_CALL libusb_close(libusb_device_handle *handle)
{
    if (!handle)
        return;
    fake_usb_lock();
    drop_flights(handle);
    for (struct libusb_device_handle **at = &fake_usb.handles; *at; at = &(*at)->next)
        if (*at == handle) {
            *at = handle->next;
            break;
        }
    forget_claims(handle);
    fake_usb_unref_locked(handle->device);
    fake_usb.alive.handles--;
    free(handle);
    fake_usb_unlock();
}

libusb_device *LIBUSB_CALL libusb_get_device(libusb_device_handle *handle)
{
    return handle->device;
}

static bool claimed_by_other(const struct libusb_device_handle *handle, unsigned int bit)
{
    for (const struct libusb_device_handle *h = fake_usb.handles; h; h = h->next)
        if (h != handle && h->device == handle->device && h->claimed & bit)
            return true;
    return false;
}

static int claim(struct libusb_device_handle *h, int interface)
{
    unsigned int bit = 1U << interface;
    int code = fake_usb_enter_locked(FAKE_USB_CLAIM);

    if (code)
        return code;
    if (!h->device->device || usb_device_gone(h->device->device))
        return LIBUSB_ERROR_NO_DEVICE;
    if (interface > h->device->model->hid_interfaces)
        return LIBUSB_ERROR_NOT_FOUND;
    if (interface != h->device->model->hid_interfaces)
        fake_usb_misuse_locked("an interface claimed that is not CCID");
    if (h->device->held || claimed_by_other(h, bit))
        return LIBUSB_ERROR_BUSY;
    if (!(h->claimed & bit))
        fake_usb.alive.claims++;
    h->claimed |= bit;
    return 0;
}

int LIBUSB_CALL libusb_claim_interface(libusb_device_handle *handle, int interface)
{
    int code;

    if (interface < 0 || interface >= INTERFACES_MAX)
        return LIBUSB_ERROR_INVALID_PARAM;
    fake_usb_lock();
    code = claim(handle, interface);
    fake_usb_unlock();
    return code;
}

int LIBUSB_CALL libusb_release_interface(libusb_device_handle *handle, int interface)
{
    unsigned int bit = 1U << interface;
    int code = 0;

    fake_usb_lock();
    if (!(handle->claimed & bit))
        code = LIBUSB_ERROR_NOT_FOUND;
    else if (!handle->device->device)
        code = LIBUSB_ERROR_NO_DEVICE;
    if (handle->claimed & bit)
        fake_usb.alive.claims--;
    handle->claimed &= ~bit;
    fake_usb_unlock();
    return code;
}

int LIBUSB_CALL libusb_get_configuration(libusb_device_handle *handle, int *value)
{
    (void)handle;
    *value = 1;
    return 0;
}

int LIBUSB_CALL libusb_set_configuration(libusb_device_handle *handle, int value)
{
    (void)handle, (void)value;
    fake_usb_lock();
    fake_usb_misuse_locked("libusb_set_configuration");
    fake_usb_unlock();
    return 0;
}

static struct usb_device *reach(struct libusb_device_handle *h, enum fake_usb_call call, int *code)
{
    *code = fake_usb_enter_locked(call);
    if (!*code && (!h->device->device || usb_device_gone(h->device->device)))
        *code = LIBUSB_ERROR_NO_DEVICE;
    return *code ? NULL : h->device->device;
}

int LIBUSB_CALL libusb_set_interface_alt_setting(libusb_device_handle *handle, int interface,
                                                 int setting)
{
    const uint8_t setup[8] = { 0x01, 0x0B, (uint8_t)setting, 0, (uint8_t)interface, 0, 0, 0 };
    struct buffer nothing = BUFFER(0);
    struct usb_device *device;
    int code;

    fake_usb_lock();
    device = reach(handle, FAKE_USB_CLEAR_HALT, &code);
    if (device && !(handle->claimed & 1U << interface))
        code = LIBUSB_ERROR_NOT_FOUND;
    else if (device)
        (void)usb_device_control(device, setup, view_of(NULL, 0), &nothing);
    fake_usb_unlock();
    return code;
}

int LIBUSB_CALL libusb_clear_halt(libusb_device_handle *handle, unsigned char endpoint)
{
    struct usb_device *device;
    int code;

    fake_usb_lock();
    device = reach(handle, FAKE_USB_CLEAR_HALT, &code);
    if (device)
        usb_device_clear_halt(device, endpoint);
    fake_usb_unlock();
    return code;
}

int LIBUSB_CALL libusb_reset_device(libusb_device_handle *handle)
{
    struct usb_device *device;
    int code;

    fake_usb_lock();
    device = reach(handle, FAKE_USB_RESET, &code);
    if (device && handle->device->model->hid_interfaces)
        fake_usb_misuse_locked("a device with HID interfaces was reset");
    if (device)
        usb_device_reset(device);
    fake_usb_unlock();
    return code;
}

int LIBUSB_CALL libusb_kernel_driver_active(libusb_device_handle *handle, int interface)
{
    (void)handle, (void)interface;
    return 0;
}

int LIBUSB_CALL libusb_detach_kernel_driver(libusb_device_handle *handle, int interface)
{
    (void)handle, (void)interface;
    fake_usb_lock();
    fake_usb_misuse_locked("libusb_detach_kernel_driver");
    fake_usb_unlock();
    return LIBUSB_ERROR_NOT_FOUND;
}

int LIBUSB_CALL libusb_attach_kernel_driver(libusb_device_handle *handle, int interface)
{
    (void)handle, (void)interface;
    return LIBUSB_ERROR_NOT_FOUND;
}

int LIBUSB_CALL libusb_set_auto_detach_kernel_driver(libusb_device_handle *handle, int enable)
{
    (void)handle, (void)enable;
    return 0;
}
