#include "ccid/usb.h"
#include "ccid/usb_name.h"

#include "base/log.h"

#include <stdlib.h>
#include <string.h>

#define CLOSE_MS            1000 /* for switching cards off */
#define NOTICE_END_MS       1000 /* for the end of a transfer that is cancelled */
#define NOTICE_RESTARTS_MAX 3

static gpg_error_t open_device(struct usb_ccid *c)
{
    return c->handle ? 0 : usb_error(libusb_open(c->device, &c->handle));
}

static void close_device(struct usb_ccid *c)
{
    if (c->handle)
        libusb_close(c->handle);
    c->handle = NULL;
}

void usb_ccid_name(struct usb_ccid *c)
{
    (void)open_device(c); /* where that fails the name is made of numbers */
    usb_name_reader(c->device, c->handle, c->place.path, c->name);
}

gpg_error_t usb_ccid_new(struct usb_readers *u, libusb_device *device,
                         const struct usb_interface *interface, struct usb_ccid **r_ccid)
{
    struct libusb_config_descriptor *config;
    struct usb_ccid *c;

    if (libusb_get_active_config_descriptor(device, &config))
        return gpg_error(GPG_ERR_CARD_REMOVED);
    c = calloc(1, sizeof *c);
    if (c) {
        c->readers = u;
        c->device = libusb_ref_device(device);
        c->interface = *interface;
        c->place = (struct usb_place){ .bus = libusb_get_bus_number(device),
                                       .address = libusb_get_device_address(device),
                                       .configuration = config->bConfigurationValue,
                                       .interface = interface->number };
        c->references = 1;
        pthread_mutex_lock(&u->mutex);
        for (unsigned i = 0; i < interface->ccid.slots; i++)
            c->slots[i] = (struct usb_slot){ .present = true, .insertion = ++u->insertions };
        pthread_mutex_unlock(&u->mutex);
        usb_name_path(device, c->place.path);
        *r_ccid = c;
    }
    libusb_free_config_descriptor(config);
    return c ? 0 : gpg_error(GPG_ERR_ENOMEM);
}

/* A card came or went. That one came which was there already is news only if somebody has talked to
 * that one: some tokens say so once after they were plugged in. */
static void note_change(struct usb_ccid *c, const struct ccid_notice *notice)
{
    for (unsigned i = 0; i < c->interface.ccid.slots; i++) {
        struct usb_slot *slot = &c->slots[i];
        bool present = notice->present >> i & 1;
        bool changed = notice->changed >> i & 1;
        bool used = slot->powered == slot->insertion;

        if (present && (!slot->present || (changed && used)))
            slot->insertion = ++c->readers->insertions;
        slot->present = present;
    }
}

static void take_notices(struct usb_ccid *c, struct view packet)
{
    struct ccid_notice notice;

    pthread_mutex_lock(&c->readers->mutex);
    while (ccid_notice_next(&packet, c->interface.ccid.slots, &notice)) {
        if (notice.hardware_error)
            log_debug("USB: %s: %s", c->name, ccid_error_name(notice.error));
        else
            note_change(c, &notice);
    }
    pthread_mutex_unlock(&c->readers->mutex);
}

static void LIBUSB_CALL on_notice(struct libusb_transfer *transfer)
{
    struct usb_ccid *c = transfer->user_data;
    bool came = transfer->status == LIBUSB_TRANSFER_COMPLETED && transfer->actual_length > 0;

    if (came)
        take_notices(c, view_of(c->notice_packet, (size_t)transfer->actual_length));
    if (!came || libusb_submit_transfer(transfer))
        __atomic_store_n(&c->notice_ended, 1, __ATOMIC_RELEASE);
    /* Not usb_watch_poke: the thread looks when the handling of events comes back to it. */
    __atomic_store_n(&c->readers->news, 1, __ATOMIC_RELEASE);
}

static void await_notices(struct usb_ccid *c)
{
    if (c->interface.notice)
        c->notice = libusb_alloc_transfer(0);
    if (!c->notice)
        return;
    libusb_fill_interrupt_transfer(c->notice, c->handle, c->interface.notice, c->notice_packet,
                                   sizeof c->notice_packet, on_notice, c, 0);
    __atomic_store_n(&c->notice_ended, libusb_submit_transfer(c->notice) != 0, __ATOMIC_RELEASE);
}

void usb_ccid_listen_again(struct usb_ccid *c)
{
    bool ended = c->notice && __atomic_load_n(&c->notice_ended, __ATOMIC_ACQUIRE);

    if (!ended || usb_pipe_ended(&c->pipe) || c->notice_restarts == NOTICE_RESTARTS_MAX)
        return;
    c->notice_restarts++;
    if (c->notice->status == LIBUSB_TRANSFER_STALL)
        libusb_clear_halt(c->handle, c->interface.notice);
    __atomic_store_n(&c->notice_ended, 0, __ATOMIC_RELEASE);
    if (libusb_submit_transfer(c->notice))
        __atomic_store_n(&c->notice_ended, 1, __ATOMIC_RELEASE);
}

static gpg_error_t claim(struct usb_ccid *c)
{
    gpg_error_t err = open_device(c);

    if (!err && libusb_kernel_driver_active(c->handle, c->interface.number) == 1)
        err = gpg_error(GPG_ERR_LOCKED);
    if (!err)
        err = usb_error(libusb_claim_interface(c->handle, c->interface.number));
    return err;
}

static gpg_error_t make_pipe(struct usb_ccid *c)
{
    const struct usb_interface *interface = &c->interface;
    gpg_error_t err = usb_pipe_init(&c->pipe, c->readers->context, c->handle, interface->number);

    if (err)
        return err;
    c->pipe.in = interface->in;
    c->pipe.out = interface->out;
    c->pipe.in_packet = interface->in_packet;
    err = ccid_port_init(&c->port, &c->pipe, interface->ccid.max_message);
    c->port.may_reset = interface->alone;
    if (err)
        usb_pipe_destroy(&c->pipe);
    return err;
}

/* Who holds it can be seen without opening it, and says more than that we may not. */
static gpg_error_t note_refusal(struct usb_ccid *c, gpg_error_t err)
{
    char holder[READER_HOLDER_MAX] = "";
    gpg_err_code_t code = gpg_err_code(err);

    if ((code == GPG_ERR_LOCKED || code == GPG_ERR_EPERM) &&
        usb_holder(c->readers->root, &c->place, holder, sizeof holder))
        err = gpg_error(GPG_ERR_LOCKED);
    log_debug("USB: %s: %s%s%s", c->name, gpg_strerror(err), holder[0] ? ", held by " : "", holder);
    pthread_mutex_lock(&c->readers->mutex);
    c->tried = true;
    c->refusal = err;
    memcpy(c->holder, holder, sizeof holder);
    pthread_mutex_unlock(&c->readers->mutex);
    return err;
}

/* A reader that cannot even tell is for the first to connect to bring round; one that would not
 * tell of a card that comes is believed to have one. */
static void look_for_cards(struct usb_ccid *c, struct deadline deadline)
{
    for (unsigned i = 0; i < c->interface.ccid.slots; i++) {
        struct usb_slot *slot = &c->slots[i];

        if (ccid_slot_look(&slot->card, deadline) || slot->card.icc != CCID_ICC_ABSENT)
            continue;
        pthread_mutex_lock(&c->readers->mutex);
        slot->present = !c->interface.notice;
        pthread_mutex_unlock(&c->readers->mutex);
    }
}

gpg_error_t usb_ccid_take(struct usb_ccid *c, struct deadline deadline)
{
    gpg_error_t err;

    if (c->claimed)
        return 0;
    err = claim(c);
    if (!err)
        err = make_pipe(c);
    if (err) {
        close_device(c); /* nobody shall find us beside who has it */
        return note_refusal(c, err);
    }
    for (unsigned i = 0; i < c->interface.ccid.slots; i++)
        ccid_slot_init(&c->slots[i].card, &c->port, &c->interface.ccid, (uint8_t)i);
    pthread_mutex_lock(&c->readers->mutex);
    c->claimed = true;
    c->refusal = 0;
    c->holder[0] = '\0';
    pthread_mutex_unlock(&c->readers->mutex);
    look_for_cards(c, deadline);
    await_notices(c);
    pthread_mutex_lock(&c->readers->mutex);
    c->tried = true;
    pthread_mutex_unlock(&c->readers->mutex);
    return 0;
}

void usb_ccid_set_gone(struct usb_ccid *c)
{
    bool claimed;

    pthread_mutex_lock(&c->readers->mutex);
    c->gone = true;
    claimed = c->claimed;
    pthread_cond_broadcast(&c->readers->let_go);
    pthread_mutex_unlock(&c->readers->mutex);
    if (claimed)
        usb_pipe_interrupt(&c->pipe);
}

/* An end that never comes is not waited for: once the device is closed, none will come. */
static void end_notices(struct usb_ccid *c)
{
    struct deadline deadline = deadline_in_ms(NOTICE_END_MS);
    int left;

    if (!c->notice)
        return;
    libusb_cancel_transfer(c->notice);
    while (!__atomic_load_n(&c->notice_ended, __ATOMIC_ACQUIRE) &&
           (left = deadline_poll_ms(deadline)) > 0)
        usb_handle_events(c->readers->context, left, &c->notice_ended);
}

/* Cards are left without power, and so without a PIN that somebody has entered; readers without one
 * that somebody is still to enter. */
static void switch_off(struct usb_ccid *c)
{
    struct deadline deadline = deadline_in_ms(CLOSE_MS);

    c->port.waiter = NULL;
    usb_pipe_resume(&c->pipe); /* perhaps nothing was unplugged, and only we were interrupted */
    for (unsigned i = 0; i < c->interface.ccid.slots; i++) {
        if (!c->slots[i].powered)
            continue;
        if (c->port.lost)
            (void)ccid_port_abort(&c->port, (uint8_t)i, deadline);
        ccid_slot_power_off(&c->slots[i].card, deadline);
    }
}

static void let_go(struct usb_ccid *c)
{
    switch_off(c);
    end_notices(c);
    libusb_release_interface(c->handle, c->interface.number);
    close_device(c);
    libusb_free_transfer(c->notice);
    ccid_port_destroy(&c->port);
    usb_pipe_destroy(&c->pipe);
}

void usb_ccid_unref(struct usb_ccid *c)
{
    unsigned left;

    pthread_mutex_lock(&c->readers->mutex);
    left = --c->references;
    pthread_mutex_unlock(&c->readers->mutex);
    if (left)
        return;
    if (c->claimed)
        let_go(c);
    close_device(c);
    libusb_unref_device(c->device);
    free(c);
}
