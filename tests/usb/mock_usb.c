#include "tests/usb/mock_inside.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>

#define HUB "/devices/usb1"

void mock_usb_lock(struct mock_usb *mock)
{
    pthread_mutex_lock(&mock->mutex);
}

void mock_usb_unlock(struct mock_usb *mock)
{
    pthread_mutex_unlock(&mock->mutex);
}

struct mock_usb *mock_usb_new(void)
{
    struct mock_usb *mock = calloc(1, sizeof *mock);

    if (!mock || pthread_mutex_init(&mock->mutex, NULL))
        abort();
    mock->bed = umockdev_testbed_new();
    return mock;
}

static void syspath(const struct mock_slot *slot, char path[SYSPATH_MAX])
{
    snprintf(path, SYSPATH_MAX, "/sys" HUB "/1-%u", slot->port);
}

/* umockdev's language for devices: P path, N node, E property, A attribute, H attribute in hex. */
static void describe(const struct mock_slot *slot, FILE *out)
{
    const struct usb_model *m = usb_device_model(slot->device);
    uint8_t octets[USB_DEVICE_LEN + USB_CONFIG_MAX];
    char digits[2 * sizeof octets + 1];
    size_t len;

    usb_model_device(m, octets);
    len = USB_DEVICE_LEN + usb_model_config(m, octets + USB_DEVICE_LEN);
    fprintf(out, "P: " HUB "/1-%u\nN: bus/usb/001/%03u\n", slot->port, slot->address);
    fprintf(out, "E: SUBSYSTEM=usb\nE: DEVTYPE=usb_device\nE: DRIVER=usb\nE: BUSNUM=001\n");
    fprintf(out, "E: DEVNAME=/dev/bus/usb/001/%03u\n", slot->address);
    fprintf(out, "E: DEVNUM=%03u\nE: PRODUCT=%x/%x/%x\n", slot->address, m->vendor, m->product,
            m->release);
    fprintf(out, "A: busnum=1\\n\nA: devnum=%u\\n\nA: speed=%s\\n\nA: bConfigurationValue=1\\n\n",
            slot->address, m->packet == 512 ? "480" : "12");
    fprintf(out, "A: idVendor=%04x\\n\nA: idProduct=%04x\\n\nA: bcdDevice=%04x\\n\n", m->vendor,
            m->product, m->release);
    fprintf(out, "H: descriptors=%s\n\n", hex_encode(view_of(octets, len), digits));
}

static void describe_interfaces(const struct mock_slot *slot, FILE *out)
{
    const struct usb_model *m = usb_device_model(slot->device);

    for (unsigned int i = 0; i <= m->hid_interfaces; i++) {
        bool ccid = i == m->hid_interfaces;

        fprintf(out, "P: " HUB "/1-%u/1-%u:1.%u\n", slot->port, slot->port, i);
        fprintf(out, "E: SUBSYSTEM=usb\nE: DEVTYPE=usb_interface\n");
        fprintf(out, "A: bInterfaceNumber=%02x\\n\nA: bInterfaceClass=%02x\\n\n\n", i,
                ccid ? m->interface_class : 3);
    }
}

static void add_text(struct mock_slot *slot,
                     void (*describe_it)(const struct mock_slot *slot, FILE *out))
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    GError *error = NULL;

    if (!out)
        abort();
    describe_it(slot, out);
    fclose(out);
    if (!umockdev_testbed_add_from_string(slot->mock->bed, text, &error)) {
        fprintf(stderr, "umockdev: %s\n", error->message);
        abort();
    }
    free(text);
}

static struct mock_slot *find(struct mock_usb *mock, const struct usb_device *device)
{
    for (int i = 0; i < MOCK_DEVICES_MAX; i++)
        if (mock->slots[i].device == device)
            return &mock->slots[i];
    abort();
}

static void attach(struct mock_slot *slot)
{
    char node[SYSPATH_MAX];
    GError *error = NULL;

    snprintf(node, sizeof node, "/dev/bus/usb/001/%03u", slot->address);
    slot->base = umockdev_ioctl_base_new();
    g_signal_connect(slot->base, "handle-ioctl", G_CALLBACK(mock_handle_ioctl), slot);
    if (!umockdev_testbed_attach_ioctl(slot->mock->bed, node, slot->base, &error)) {
        fprintf(stderr, "umockdev: %s\n", error->message);
        abort();
    }
}

static void detach(struct mock_slot *slot)
{
    char node[SYSPATH_MAX];

    snprintf(node, sizeof node, "/dev/bus/usb/001/%03u", slot->address);
    umockdev_testbed_detach_ioctl(slot->mock->bed, node, NULL);
    g_object_unref(slot->base);
    slot->base = NULL;
}

/* One that nobody has open any more will do. */
static struct mock_slot *free_slot(struct mock_usb *mock)
{
    for (int i = 0; i < MOCK_DEVICES_MAX; i++) {
        struct mock_slot *slot = &mock->slots[i];

        if (slot->used && !slot->device && !slot->files) {
            detach(slot);
            slot->used = false;
        }
        if (!slot->used)
            return slot;
    }
    abort();
}

/* umockdev tells of a device as soon as it is added: then everything else has to be there. */
void mock_usb_add(struct mock_usb *mock, struct usb_device *device, uint8_t address, uint8_t port)
{
    struct mock_slot *slot;

    mock_usb_lock(mock);
    slot = free_slot(mock);
    *slot = (struct mock_slot){
        .mock = mock, .device = device, .address = address, .port = port, .used = true
    };
    usb_device_plug(device);
    mock_usb_unlock(mock);
    attach(slot);
    add_text(slot, describe);
    add_text(slot, describe_interfaces);
}

void mock_usb_remove(struct mock_usb *mock, struct usb_device *device)
{
    struct mock_slot *slot = find(mock, device);
    char path[SYSPATH_MAX];

    syspath(slot, path);
    mock_usb_lock(mock);
    usb_device_unplug(device);
    slot->device = NULL;
    mock_usb_unlock(mock);
    umockdev_testbed_uevent(mock->bed, path, "remove");
    for (unsigned int i = 0; i <= usb_device_model(device)->hid_interfaces; i++) {
        char interface[2 * SYSPATH_MAX];

        snprintf(interface, sizeof interface, "%s/1-%u:1.%u", path, slot->port, i);
        umockdev_testbed_remove_device(mock->bed, interface);
    }
    umockdev_testbed_remove_device(mock->bed, path);
}

void mock_usb_free(struct mock_usb **mock)
{
    struct mock_usb *m = *mock;

    if (!m)
        return;
    for (int i = 0; i < MOCK_DEVICES_MAX; i++) {
        struct mock_slot *slot = &m->slots[i];

        if (slot->used)
            detach(slot);
        while (slot->files) {
            g_object_weak_unref(G_OBJECT(slot->files->client), mock_file_vanished, slot);
            mock_file_drop(slot, slot->files);
        }
    }
    g_object_unref(m->bed);
    pthread_mutex_destroy(&m->mutex);
    free(m);
    *mock = NULL;
}

void mock_usb_hold(struct mock_usb *mock, struct usb_device *device, bool hold)
{
    struct mock_slot *slot = find(mock, device);
    unsigned int interface = usb_device_model(device)->hid_interfaces;
    char path[SYSPATH_MAX + 32];

    mock_usb_lock(mock);
    slot->held = hold ? 1U << interface : 0;
    mock_usb_unlock(mock);
    snprintf(path, sizeof path, "/sys" HUB "/1-%u/1-%u:1.%u", slot->port, slot->port, interface);
    if (hold) {
        umockdev_testbed_set_attribute_link(mock->bed, path, "driver",
                                            "../../../../bus/usb/drivers/usbfs");
    } else {
        gchar *root = umockdev_testbed_get_root_dir(mock->bed);
        gchar *link = g_strconcat(root, path, "/driver", NULL);

        remove(link);
        g_free(link);
        g_free(root);
    }
}

struct mock_usb_alive mock_usb_alive(struct mock_usb *mock)
{
    struct mock_usb_alive alive = { 0 };

    mock_usb_lock(mock);
    for (int i = 0; i < MOCK_DEVICES_MAX; i++)
        for (const struct mock_file *f = mock->slots[i].files; f; f = f->next) {
            alive.files++;
            alive.claims += __builtin_popcount(f->claimed);
            for (const struct mock_urb *u = f->urbs; u; u = u->next)
                alive.urbs++;
        }
    mock_usb_unlock(mock);
    return alive;
}
