#include "ccid/usb.h"
#include "ccid/usb_name.h"

#include "base/log.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define TAKE_MS  3000 /* for a reader to say which slots have cards */
#define SLEEP_MS 86400000

static int LIBUSB_CALL on_hotplug(libusb_context *context, libusb_device *device,
                                  libusb_hotplug_event event, void *user)
{
    struct usb_readers *u = user;

    (void)context, (void)device, (void)event;
    __atomic_store_n(&u->news, 1, __ATOMIC_RELEASE);
    return 0;
}

void usb_watch_poke(struct usb_readers *u)
{
    __atomic_store_n(&u->news, 1, __ATOMIC_RELEASE);
    libusb_interrupt_event_handler(u->context);
}

static bool is_among(libusb_device *const *devices, ssize_t count, const libusb_device *device)
{
    for (ssize_t i = 0; i < count; i++) {
        if (devices[i] == device)
            return true;
    }
    return false;
}

static void drop(struct usb_readers *u, size_t at)
{
    struct usb_ccid *c = u->ccids[at];

    pthread_mutex_lock(&u->mutex);
    u->ccids[at] = u->ccids[--u->count];
    pthread_mutex_unlock(&u->mutex);
    usb_ccid_unref(c);
}

static bool is_known(const struct usb_readers *u, const libusb_device *device)
{
    for (size_t i = 0; i < u->count; i++) {
        if (u->ccids[i]->device == device)
            return true;
    }
    return false;
}

/* Two devices may say the same of themselves, and one may have several interfaces. */
static void make_unique(const struct usb_readers *u, struct usb_ccid *c)
{
    for (size_t i = 0; i < u->count; i++) {
        if (u->ccids[i] != c && strcmp(u->ccids[i]->name, c->name) == 0) {
            size_t len = strlen(c->name);

            snprintf(c->name + len, sizeof c->name - len, " %s.%u", c->place.path,
                     c->interface.number);
            return;
        }
    }
}

static void add(struct usb_readers *u, libusb_device *device, const struct usb_interface *interface)
{
    struct usb_ccid *c;

    if (u->count == READERS_MAX || usb_ccid_new(u, device, interface, &c))
        return;
    pthread_mutex_lock(&u->mutex);
    u->ccids[u->count++] = c;
    pthread_mutex_unlock(&u->mutex);
}

static void look_at(struct usb_readers *u, libusb_device *device)
{
    struct libusb_device_descriptor d;
    struct libusb_config_descriptor *config;
    struct usb_interface found[USB_INTERFACES_MAX];
    size_t count;

    if (libusb_get_device_descriptor(device, &d) ||
        (u->vendor >= 0 && (d.idVendor != u->vendor || d.idProduct != u->product)) ||
        libusb_get_active_config_descriptor(device, &config))
        return;
    count = usb_interfaces_find(&d, config, found);
    libusb_free_config_descriptor(config);
    for (size_t i = 0; i < count; i++)
        add(u, device, &found[i]);
}

/* What is plugged in now; what is known of it stays. */
static void scan(struct usb_readers *u)
{
    libusb_device **devices;
    ssize_t count = libusb_get_device_list(u->context, &devices);

    if (count < 0)
        return;
    for (size_t i = u->count; i-- > 0;) {
        if (!is_among(devices, count, u->ccids[i]->device)) {
            usb_ccid_set_gone(u->ccids[i]);
            drop(u, i);
        }
    }
    for (ssize_t i = 0; i < count; i++) {
        if (!is_known(u, devices[i]))
            look_at(u, devices[i]);
    }
    libusb_free_device_list(devices, 1);
}

/* Takes the turn if it is to be taken, and may be now. */
static bool begin_take(struct usb_readers *u, struct usb_ccid *c)
{
    bool may;

    pthread_mutex_lock(&u->mutex);
    may = !c->tried && !c->gone && !c->turn && !u->closing && u->share != READERS_YIELD &&
          deadline_passed(u->take_from);
    if (may)
        c->turn = u;
    pthread_mutex_unlock(&u->mutex);
    return may;
}

static void end_take(struct usb_readers *u, struct usb_ccid *c)
{
    pthread_mutex_lock(&u->mutex);
    c->turn = NULL;
    pthread_cond_broadcast(&u->let_go);
    pthread_mutex_unlock(&u->mutex);
}

static void take_all(struct usb_readers *u)
{
    for (size_t i = 0; i < u->count; i++) {
        struct usb_ccid *c = u->ccids[i];

        if (begin_take(u, c)) {
            if (!c->name[0]) {
                usb_ccid_name(c);
                make_unique(u, c);
            }
            (void)usb_ccid_take(c, deadline_in_ms(TAKE_MS));
            end_take(u, c);
        }
        usb_ccid_listen_again(c);
    }
}

/* What another program holds is shown for the human to know, unless others show it. */
static bool is_shown(const struct usb_readers *u, const struct usb_ccid *c)
{
    return c->tried && !c->gone && (c->claimed || u->share == READERS_ALONE);
}

static void show_slots(const struct usb_ccid *c, struct reader_list *list)
{
    unsigned slots = c->claimed ? c->interface.ccid.slots : 1;

    for (unsigned i = 0; i < slots && list->count < READERS_MAX; i++) {
        struct reader_info *info = &list->info[list->count++];

        usb_name_slot(c->name, i, info->name);
        info->present = c->slots[i].present || !c->claimed;
        info->insertion = c->slots[i].insertion;
        info->exclusive = !c->claimed && gpg_err_code(c->refusal) == GPG_ERR_LOCKED;
        memcpy(info->holder, c->holder, sizeof info->holder);
    }
}

void usb_watch_publish(struct usb_readers *u)
{
    struct reader_list list = { .count = 0 };

    pthread_mutex_lock(&u->mutex);
    for (size_t i = 0; i < u->count; i++) {
        if (is_shown(u, u->ccids[i]))
            show_slots(u->ccids[i], &list);
    }
    if (!u->shared_anew)
        board_publish(&u->board, &list); /* in the order in which things happen */
    pthread_mutex_unlock(&u->mutex);
}

/* How long to sleep after it, until the time comes to take what was left for later. */
static int64_t begin_look(struct usb_readers *u)
{
    int ms;

    pthread_mutex_lock(&u->mutex);
    u->shared_anew = false;
    ms = u->share == READERS_YIELD ? 0 : deadline_poll_ms(u->take_from);
    pthread_mutex_unlock(&u->mutex);
    return ms > 0 ? ms : SLEEP_MS;
}

static bool is_closing(struct usb_readers *u)
{
    bool closing;

    pthread_mutex_lock(&u->mutex);
    closing = u->closing;
    pthread_mutex_unlock(&u->mutex);
    return closing;
}

static void *watch(void *context)
{
    struct usb_readers *u = context;

    while (!is_closing(u)) {
        int64_t ms;

        __atomic_store_n(&u->news, 0, __ATOMIC_RELEASE);
        ms = begin_look(u); /* before it is tried: it may come meanwhile */
        scan(u);
        take_all(u);
        usb_watch_publish(u);
        /* Hotplug, a notice, a poke. */
        usb_handle_events(u->context, ms, &u->news);
    }
    while (u->count)
        drop(u, u->count - 1);
    return NULL;
}

gpg_error_t usb_watch_start(struct usb_readers *u)
{
    sigset_t all, before;
    int error;

    u->has_hotplug =
        libusb_has_capability(LIBUSB_CAP_HAS_HOTPLUG) &&
        !libusb_hotplug_register_callback(
            u->context, LIBUSB_HOTPLUG_EVENT_DEVICE_ARRIVED | LIBUSB_HOTPLUG_EVENT_DEVICE_LEFT,
            LIBUSB_HOTPLUG_NO_FLAGS, LIBUSB_HOTPLUG_MATCH_ANY, LIBUSB_HOTPLUG_MATCH_ANY,
            LIBUSB_HOTPLUG_MATCH_ANY, on_hotplug, u, &u->hotplug);
    if (!u->has_hotplug)
        log_debug("USB: what is plugged in later will not be noticed");
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    error = pthread_create(&u->thread, NULL, watch, u);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return gpg_error_from_errno(error);
}

void usb_watch_stop(struct usb_readers *u)
{
    pthread_mutex_lock(&u->mutex);
    u->closing = true;
    pthread_mutex_unlock(&u->mutex);
    usb_watch_poke(u);
    pthread_join(u->thread, NULL);
    if (u->has_hotplug)
        libusb_hotplug_deregister_callback(u->context, u->hotplug);
}
