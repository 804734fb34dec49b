/* What a test does with the fake, and what its files share. */
#include "tests/usb/fake_inside.h"

#include <stdlib.h>
#include <string.h>

struct fake_usb fake_usb;
pthread_mutex_t fake_usb_mutex = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t fake_usb_changed;

__attribute__((constructor)) static void begin(void)
{
    (void)deadline_cond_init(&fake_usb_changed);
}

void fake_usb_lock(void)
{
    pthread_mutex_lock(&fake_usb_mutex);
}

void fake_usb_unlock(void)
{
    pthread_cond_broadcast(&fake_usb_changed);
    pthread_mutex_unlock(&fake_usb_mutex);
}

void fake_usb_misuse_locked(const char *what)
{
    if (!fake_usb.misuse)
        fake_usb.misuse = what;
}

int fake_usb_enter_locked(enum fake_usb_call call)
{
    fake_usb.counts[call]++;
    return fake_usb.codes[call];
}

void fake_usb_ref_locked(struct libusb_device *device)
{
    device->references++;
}

static void unlink_device(struct libusb_device *device)
{
    for (struct libusb_device **at = &fake_usb.devices; *at; at = &(*at)->next)
        if (*at == device) {
            *at = device->next;
            return;
        }
}

void fake_usb_unref_locked(struct libusb_device *device)
{
    if (--device->references > 0)
        return;
    unlink_device(device);
    fake_usb.alive.devices--;
    free(device);
}

void fake_usb_reset(void)
{
    fake_usb_lock();
    while (fake_usb.devices) {
        struct libusb_device *device = fake_usb.devices;

        fake_usb.devices = device->next;
        free(device);
    }
    memset(&fake_usb, 0, sizeof fake_usb);
    fake_usb_unlock();
}

static struct libusb_device *find(const struct usb_device *device)
{
    for (struct libusb_device *d = fake_usb.devices; d; d = d->next)
        if (d->device == device)
            return d;
    return NULL;
}

static void tell(struct libusb_device *device, libusb_hotplug_event event)
{
    for (struct libusb_context *c = fake_usb.contexts; c; c = c->next) {
        struct news *news = calloc(1, sizeof *news), **at = &c->news;

        if (!news)
            abort();
        news->device = device;
        news->event = event;
        fake_usb_ref_locked(device);
        while (*at)
            at = &(*at)->next;
        *at = news;
    }
}

void fake_usb_add(struct usb_device *device, uint8_t bus, uint8_t address, uint8_t port)
{
    struct libusb_device *d = calloc(1, sizeof *d), **at = &fake_usb.devices;

    if (!d)
        abort();
    fake_usb_lock();
    *d = (struct libusb_device){ .device = device,
                                 .model = usb_device_model(device),
                                 .bus = bus,
                                 .address = address,
                                 .port = port,
                                 .references = 1,
                                 .listed = true };
    while (*at)
        at = &(*at)->next;
    *at = d;
    fake_usb.alive.devices++;
    usb_device_plug(device);
    tell(d, LIBUSB_HOTPLUG_EVENT_DEVICE_ARRIVED);
    fake_usb_unlock();
}

void fake_usb_remove(struct usb_device *device)
{
    struct libusb_device *d;

    fake_usb_lock();
    usb_device_unplug(device);
    d = find(device);
    if (d) {
        d->device = NULL;
        d->listed = false;
        tell(d, LIBUSB_HOTPLUG_EVENT_DEVICE_LEFT);
        fake_usb_unref_locked(d);
    }
    fake_usb_unlock();
}

#define WITH_LOCK(statement)                                                                       \
    fake_usb_lock();                                                                               \
    statement;                                                                                     \
    fake_usb_unlock()

void fake_usb_deny(struct usb_device *device, bool deny)
{
    WITH_LOCK(find(device)->denied = deny);
}

void fake_usb_hold(struct usb_device *device, bool hold)
{
    WITH_LOCK(find(device)->held = hold);
}

void fake_usb_fail(enum fake_usb_call call, int code)
{
    WITH_LOCK(fake_usb.codes[call] = code);
}

void fake_usb_stick(uint8_t type)
{
    WITH_LOCK(fake_usb.sticks = type);
}

void fake_usb_hasty(bool hasty)
{
    WITH_LOCK(fake_usb.hasty = hasty);
}

unsigned int fake_usb_count(enum fake_usb_call call)
{
    unsigned int count;

    WITH_LOCK(count = fake_usb.counts[call]);
    return count;
}

struct fake_usb_alive fake_usb_alive(void)
{
    struct fake_usb_alive alive;

    WITH_LOCK(alive = fake_usb.alive);
    return alive;
}

const char *fake_usb_misuse(void)
{
    const char *misuse;

    WITH_LOCK(misuse = fake_usb.misuse);
    return misuse;
}
