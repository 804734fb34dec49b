/* libusb's events: ends of transfers, and hotplug. */
#include "tests/usb/fake_inside.h"

#include <stdlib.h>
#include <sys/time.h>

static struct libusb_context *of(libusb_context *context)
{
    return context ? context : fake_usb.standard;
}

static bool is_for(const struct hotplug *h, const struct libusb_device *d, unsigned event)
{
    return h->used && (unsigned)h->events & event &&
           (h->vendor == LIBUSB_HOTPLUG_MATCH_ANY || h->vendor == d->model->vendor) &&
           (h->product == LIBUSB_HOTPLUG_MATCH_ANY || h->product == d->model->product) &&
           (h->class == LIBUSB_HOTPLUG_MATCH_ANY || h->class == 0);
}

/* Calls without the mutex, and takes it again. */
static void call(struct libusb_context *c, struct hotplug *h, struct libusb_device *d,
                 libusb_hotplug_event event)
{
    int done;

    fake_usb_unlock();
    done = h->callback(c, d, event, h->user);
    fake_usb_lock();
    if (done)
        h->used = false;
}

static bool tell_news(struct libusb_context *c)
{
    struct news *news = c->news;

    if (!news)
        return false;
    c->news = news->next;
    for (int i = 0; i < CALLBACKS_MAX; i++)
        if (is_for(&c->hotplugs[i], news->device, news->event))
            call(c, &c->hotplugs[i], news->device, news->event);
    fake_usb_unref_locked(news->device);
    free(news);
    return true;
}

static bool end_transfer(void)
{
    for (struct flight *f = fake_usb.flights; f; f = f->next) {
        enum libusb_transfer_status status;
        struct libusb_transfer *t = &f->transfer;
        bool discard = t->flags & LIBUSB_TRANSFER_FREE_TRANSFER;

        if (!f->flying || !fake_usb_progress_locked(f, &status))
            continue;
        f->flying = false;
        fake_usb.alive.flying--;
        t->status = status;
        if (status == LIBUSB_TRANSFER_COMPLETED && t->flags & LIBUSB_TRANSFER_SHORT_NOT_OK &&
            f->filled != (size_t)t->length)
            t->status = LIBUSB_TRANSFER_ERROR;
        t->actual_length = (int)f->filled;
        fake_usb_unlock();
        if (t->callback)
            t->callback(t);
        if (discard)
            libusb_free_transfer(t);
        fake_usb_lock();
        return true;
    }
    return false;
}

int LIBUSB_CALL libusb_handle_events_timeout_completed(libusb_context *context, struct timeval *tv,
                                                       int *completed)
{
    struct deadline end = deadline_in_ms(tv->tv_sec * 1000 + tv->tv_usec / 1000);
    struct libusb_context *c;
    bool done = false;
    int code;

    fake_usb_lock();
    c = of(context);
    code = fake_usb_enter_locked(FAKE_USB_EVENTS);
    while (!code && !done && !(completed && __atomic_load_n(completed, __ATOMIC_ACQUIRE))) {
        while (tell_news(c) || end_transfer())
            done = true;
        if (c->interrupts) {
            c->interrupts = 0;
            done = true;
        }
        if (done || deadline_passed(end))
            break;
        fake_usb_sleep_locked(end, NULL);
    }
    fake_usb_unlock();
    return code;
}

int LIBUSB_CALL libusb_handle_events_timeout(libusb_context *context, struct timeval *tv)
{
    return libusb_handle_events_timeout_completed(context, tv, NULL);
}

/* libusb itself looks again every 60 seconds. */
int LIBUSB_CALL libusb_handle_events_completed(libusb_context *context, int *completed)
{
    struct timeval minute = { .tv_sec = 60 };

    return libusb_handle_events_timeout_completed(context, &minute, completed);
}

int LIBUSB_CALL libusb_handle_events(libusb_context *context)
{
    return libusb_handle_events_completed(context, NULL);
}

void LIBUSB_CALL libusb_interrupt_event_handler(libusb_context *context)
{
    fake_usb_lock();
    of(context)->interrupts++;
    fake_usb_unlock();
}

static int add_hotplug(struct libusb_context *c, struct hotplug hotplug)
{
    for (int i = 0; i < CALLBACKS_MAX; i++)
        if (!c->hotplugs[i].used) {
            c->hotplugs[i] = hotplug;
            return i;
        }
    return LIBUSB_ERROR_NO_MEM;
}

static void enumerate(struct libusb_context *c, struct hotplug *h)
{
    struct libusb_device *next;

    for (struct libusb_device *d = fake_usb.devices; d; d = next) {
        fake_usb_ref_locked(d);
        if (d->listed && is_for(h, d, LIBUSB_HOTPLUG_EVENT_DEVICE_ARRIVED))
            call(c, h, d, LIBUSB_HOTPLUG_EVENT_DEVICE_ARRIVED);
        next = d->next;
        fake_usb_unref_locked(d);
    }
}

int LIBUSB_CALL libusb_hotplug_register_callback(libusb_context *context, int events, int flags,
                                                 int vendor, int product, int class,
                                                 libusb_hotplug_callback_fn callback, void *user,
                                                 libusb_hotplug_callback_handle *r_handle)
{
    struct hotplug hotplug = { true, events, vendor, product, class, callback, user };
    struct libusb_context *c;
    int code, index;

    fake_usb_lock();
    c = of(context);
    code = fake_usb_enter_locked(FAKE_USB_HOTPLUG);
    index = code ? code : add_hotplug(c, hotplug);
    if (index >= 0) {
        if (r_handle)
            *r_handle = index + 1;
        if (flags & LIBUSB_HOTPLUG_ENUMERATE)
            enumerate(c, &c->hotplugs[index]);
    }
    fake_usb_unlock();
    return index < 0 ? index : 0;
}

void LIBUSB_CALL libusb_hotplug_deregister_callback(libusb_context *context,
                                                    libusb_hotplug_callback_handle handle)
{
    fake_usb_lock();
    if (handle >= 1 && handle <= CALLBACKS_MAX)
        of(context)->hotplugs[handle - 1].used = false;
    fake_usb_unlock();
}

void *LIBUSB_CALL libusb_hotplug_get_user_data(libusb_context *context,
                                               libusb_hotplug_callback_handle handle)
{
    return of(context)->hotplugs[handle - 1].user;
}
