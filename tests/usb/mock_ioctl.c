/* usbfs as the kernel does it (linux/usbdevice_fs.h), as far as libusb wants it. */
#include "tests/usb/mock_inside.h"

#include "base/deadline.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#define CAPABILITIES                                                                               \
    (USBDEVFS_CAP_ZERO_PACKET | USBDEVFS_CAP_NO_PACKET_SIZE_LIM |                                  \
     USBDEVFS_CAP_REAP_AFTER_DISCONNECT)

static void urb_free(struct mock_urb *u)
{
    umockdev_ioctl_data_unref(u->data);
    if (u->buffer)
        umockdev_ioctl_data_unref(u->buffer);
    free(u);
}

void mock_file_drop(struct mock_slot *slot, struct mock_file *file)
{
    for (struct mock_file **at = &slot->files; *at; at = &(*at)->next)
        if (*at == file) {
            *at = file->next;
            break;
        }
    while (file->urbs) {
        struct mock_urb *u = file->urbs;

        file->urbs = u->next;
        urb_free(u);
    }
    free(file);
}

static struct mock_file *file_of(struct mock_slot *slot, UMockdevIoctlClient *client)
{
    struct mock_file *f;

    for (f = slot->files; f; f = f->next)
        if (f->client == client)
            return f;
    f = calloc(1, sizeof *f);
    if (!f)
        abort();
    f->client = client;
    f->next = slot->files;
    slot->files = f;
    g_object_weak_ref(G_OBJECT(client), mock_file_vanished, slot);
    return f;
}

void mock_file_vanished(gpointer slot, GObject *client)
{
    struct mock_slot *s = slot;

    mock_usb_lock(s->mock);
    for (struct mock_file *f = s->files; f; f = f->next)
        if ((GObject *)f->client == client) {
            mock_file_drop(s, f);
            break;
        }
    mock_usb_unlock(s->mock);
}

/* --- URBs --- */

static struct usbdevfs_urb *urb_of(const struct mock_urb *u)
{
    return (struct usbdevfs_urb *)(void *)u->data->data;
}

/* The program may be gone in the midst of it. */
static int submit(struct mock_file *f, UMockdevIoctlData *arg)
{
    UMockdevIoctlData *data =
        umockdev_ioctl_data_resolve(arg, 0, sizeof(struct usbdevfs_urb), NULL);
    struct mock_urb *u = data ? calloc(1, sizeof *u) : NULL, **at = &f->urbs;

    if (!u)
        return EFAULT;
    u->data = data;
    u->address = data->client_addr;
    u->buffer = umockdev_ioctl_data_resolve(u->data, offsetof(struct usbdevfs_urb, buffer),
                                            (gsize)urb_of(u)->buffer_length, NULL);
    if (!u->buffer) {
        urb_free(u);
        return EFAULT;
    }
    while (*at)
        at = &(*at)->next;
    *at = u;
    return 0;
}

static enum usb_status control(struct usb_device *device, struct mock_urb *u)
{
    uint8_t *setup = u->buffer->data, *data = setup + 8;
    size_t len = (size_t)setup[6] | (size_t)setup[7] << 8;
    bool inward = setup[0] & 0x80;
    struct buffer in = BUFFER(inward ? len : 0);
    enum usb_status status =
        usb_device_control(device, setup, view_of(data, inward ? 0 : len), &in);

    if (in.len)
        umockdev_ioctl_data_update(u->buffer, 8, in.data, (gint)in.len);
    u->filled = inward ? in.len : len;
    buffer_free(&in);
    return status;
}

static enum usb_status run(struct usb_device *device, struct mock_urb *u)
{
    const struct usbdevfs_urb *urb = urb_of(u);
    size_t len = (size_t)urb->buffer_length;
    enum usb_status status;
    size_t before = u->filled;

    if (urb->type == USBDEVFS_URB_TYPE_CONTROL)
        return control(device, u);
    if (!(urb->endpoint & 0x80)) {
        u->filled = len;
        return usb_device_out(device, urb->endpoint, view_of(u->buffer->data, len), monotonic_ms());
    }
    status = usb_device_in(device, urb->endpoint, u->buffer->data, len, &u->filled, monotonic_ms());
    if (u->filled > before)
        umockdev_ioctl_data_update(u->buffer, before, u->buffer->data + before,
                                   (gint)(u->filled - before));
    return status;
}

/* Whether it has come to its end; *code is what the kernel says then. */
static bool progress(struct usb_device *device, struct mock_urb *u, int *code)
{
    static const int codes[] = {
        [USB_DONE] = 0, [USB_STALL] = -EPIPE, [USB_OVERFLOW] = -EOVERFLOW, [USB_GONE] = -ESHUTDOWN
    };
    enum usb_status status = USB_PENDING;

    if (!device)
        status = USB_GONE;
    else if (!u->discarded)
        status = run(device, u);
    *code = status == USB_PENDING ? -ENOENT : codes[status];
    return status != USB_PENDING || u->discarded;
}

static int reap(struct mock_slot *slot, struct mock_file *f, UMockdevIoctlData *arg)
{
    UMockdevIoctlData *place = umockdev_ioctl_data_resolve(arg, 0, sizeof(void *), NULL);
    int code;

    for (struct mock_urb **at = &f->urbs; *at; at = &(*at)->next) {
        struct mock_urb *u = *at;

        if (!progress(slot->device, u, &code))
            continue;
        *at = u->next;
        urb_of(u)->status = code;
        urb_of(u)->actual_length = (int)u->filled;
        umockdev_ioctl_data_update(u->data, 0, u->data->data, sizeof(struct usbdevfs_urb));
        umockdev_ioctl_data_set_ptr(place, 0, u->data);
        umockdev_ioctl_data_unref(place);
        urb_free(u);
        return 0;
    }
    umockdev_ioctl_data_unref(place);
    return slot->device ? EAGAIN : ENODEV;
}

static int discard(struct mock_file *f, UMockdevIoctlData *arg)
{
    gulong address;

    memcpy(&address, arg->data, sizeof address);
    for (struct mock_urb *u = f->urbs; u; u = u->next)
        if (u->address == address) {
            u->discarded = true;
            return 0;
        }
    return EINVAL;
}

/* --- Interfaces --- */

static int claim(struct mock_slot *slot, struct mock_file *f, unsigned int interface)
{
    unsigned int bit = 1U << interface, others = slot->held;

    for (const struct mock_file *o = slot->files; o; o = o->next)
        others |= o == f ? 0 : o->claimed;
    if (interface > usb_device_model(slot->device)->hid_interfaces)
        return ENOENT;
    if (others & bit)
        return EBUSY;
    f->claimed |= bit;
    return 0;
}

/* The first number of what the argument points to. */
static unsigned int number(UMockdevIoctlData *arg)
{
    UMockdevIoctlData *d = umockdev_ioctl_data_resolve(arg, 0, sizeof(unsigned int), NULL);
    unsigned int value;

    memcpy(&value, d->data, sizeof value);
    umockdev_ioctl_data_unref(d);
    return value;
}

static int say_capabilities(UMockdevIoctlData *arg)
{
    UMockdevIoctlData *d = umockdev_ioctl_data_resolve(arg, 0, sizeof(uint32_t), NULL);
    uint32_t value = CAPABILITIES;

    umockdev_ioctl_data_update(d, 0, (guint8 *)&value, sizeof value);
    umockdev_ioctl_data_unref(d);
    return 0;
}

static int alternate(struct mock_slot *slot, UMockdevIoctlData *arg)
{
    const uint8_t setup[8] = { 0x01, 0x0B, 0, 0, (uint8_t)number(arg), 0, 0, 0 };
    struct buffer nothing = BUFFER(0);

    (void)usb_device_control(slot->device, setup, view_of(NULL, 0), &nothing);
    return 0;
}

static int answer(struct mock_slot *slot, struct mock_file *f, gulong request,
                  UMockdevIoctlData *arg)
{
    if (request == USBDEVFS_REAPURB || request == USBDEVFS_REAPURBNDELAY)
        return reap(slot, f, arg);
    if (!slot->device)
        return ENODEV;
    switch (request) {
    case USBDEVFS_GET_CAPABILITIES:
        return say_capabilities(arg);
    case USBDEVFS_CLAIMINTERFACE:
    case USBDEVFS_DISCONNECT_CLAIM:
        return claim(slot, f, number(arg));
    case USBDEVFS_RELEASEINTERFACE:
        f->claimed &= ~(1U << number(arg));
        return 0;
    case USBDEVFS_GETDRIVER:
        return ENODATA;
    case USBDEVFS_SETINTERFACE:
        return alternate(slot, arg);
    case USBDEVFS_CLEAR_HALT:
        usb_device_clear_halt(slot->device, (uint8_t)number(arg));
        return 0;
    case USBDEVFS_RESET:
        usb_device_reset(slot->device);
        return 0;
    case USBDEVFS_SUBMITURB:
        return submit(f, arg);
    case USBDEVFS_DISCARDURB:
        return discard(f, arg);
    case USBDEVFS_IOCTL: /* reconnects the kernel's driver; there is none */
        return ENODATA;
    default:
        return ENOTTY;
    }
}

gboolean mock_handle_ioctl(UMockdevIoctlBase *base, UMockdevIoctlClient *client, gpointer slot)
{
    struct mock_slot *s = slot;
    UMockdevIoctlData *arg = umockdev_ioctl_client_get_arg(client);
    int code;

    (void)base;
    mock_usb_lock(s->mock);
    code = answer(s, file_of(s, client), umockdev_ioctl_client_get_request(client), arg);
    mock_usb_unlock(s->mock);
    umockdev_ioctl_client_complete(client, code ? -1 : 0, code);
    return TRUE;
}
