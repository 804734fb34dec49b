/* libusb's transfers. */
#include "tests/unit/fake_clock.h"
#include "tests/usb/fake_inside.h"

#include <stdlib.h>
#include <string.h>

struct flight *fake_usb_flight(struct libusb_transfer *transfer)
{
    char *octets = (char *)transfer - offsetof(struct flight, transfer);

    return (struct flight *)(void *)octets;
}

static enum usb_status control(struct usb_device *device, struct flight *f)
{
    uint8_t *setup = f->transfer.buffer, *data = setup + LIBUSB_CONTROL_SETUP_SIZE;
    size_t len = (size_t)setup[6] | (size_t)setup[7] << 8;
    bool inward = setup[0] & LIBUSB_ENDPOINT_IN;
    struct buffer in = BUFFER(inward ? len : 0);
    enum usb_status status =
        usb_device_control(device, setup, view_of(data, inward ? 0 : len), &in);

    if (in.len)
        memcpy(data, in.data, in.len);
    f->filled = inward ? in.len : len;
    buffer_free(&in);
    return status;
}

static enum usb_status run(struct usb_device *device, struct flight *f)
{
    const struct libusb_transfer *t = &f->transfer;
    enum usb_status status;

    if (t->type == LIBUSB_TRANSFER_TYPE_CONTROL)
        return control(device, f);
    if (t->endpoint & LIBUSB_ENDPOINT_IN)
        return usb_device_in(device, t->endpoint, t->buffer, (size_t)t->length, &f->filled,
                             monotonic_ms());
    status =
        usb_device_out(device, t->endpoint, view_of(t->buffer, (size_t)t->length), monotonic_ms());
    f->filled = status == USB_DONE ? (size_t)t->length : 0;
    return status;
}

bool fake_usb_sticks_locked(const struct flight *f)
{
    return f->cancelled && fake_usb.sticks && f->transfer.type == fake_usb.sticks;
}

bool fake_usb_progress_locked(struct flight *f, enum libusb_transfer_status *status)
{
    static const enum libusb_transfer_status statuses[] = {
        [USB_DONE] = LIBUSB_TRANSFER_COMPLETED,
        [USB_STALL] = LIBUSB_TRANSFER_STALL,
        [USB_OVERFLOW] = LIBUSB_TRANSFER_OVERFLOW,
        [USB_GONE] = LIBUSB_TRANSFER_NO_DEVICE,
    };
    struct usb_device *device = f->transfer.dev_handle->device->device;
    enum usb_status result = USB_PENDING;

    if (!device)
        result = USB_GONE;
    else if (!f->cancelled)
        result = run(device, f);
    if (fake_usb_sticks_locked(f))
        return false;
    if (result != USB_PENDING)
        *status = statuses[result];
    else if (f->cancelled)
        *status = LIBUSB_TRANSFER_CANCELLED;
    else if (deadline_passed(f->deadline))
        *status = LIBUSB_TRANSFER_TIMED_OUT;
    else
        return false;
    return true;
}

static struct deadline flight_deadline(const struct libusb_transfer *t)
{
    return t->timeout ? deadline_in_ms(t->timeout) : deadline_never();
}

/* Of one flight, or the soonest of all. */
static int64_t soonest_end(const struct flight *flight)
{
    int64_t soonest = flight ? flight->deadline.at_ms : INT64_MAX;

    for (const struct flight *f = flight ? NULL : fake_usb.flights; f; f = f->next)
        if (f->flying && f->deadline.at_ms < soonest)
            soonest = f->deadline.at_ms;
    return soonest;
}

static int64_t next_word(void)
{
    int64_t next = INT64_MAX;

    for (const struct libusb_device *d = fake_usb.devices; d; d = d->next) {
        int64_t word = d->device ? usb_device_next_ms(d->device) : INT64_MAX;

        /* What is there already waits for a transfer, not for time. */
        if (word > monotonic_ms() && word < next)
            next = word;
    }
    return next;
}

void fake_usb_sleep_locked(struct deadline deadline, const struct flight *flight)
{
    int64_t until = soonest_end(flight), word = next_word();
    struct deadline end;

    if (word < until)
        until = word;
    if (fake_usb.hasty && until != INT64_MAX) {
        fake_clock_jump_to(until);
        return;
    }
    end.at_ms = until < deadline.at_ms ? until : deadline.at_ms;
    if (end.at_ms == INT64_MAX)
        pthread_cond_wait(&fake_usb_changed, &fake_usb_mutex);
    else
        (void)deadline_cond_wait(&fake_usb_changed, &fake_usb_mutex, end);
}

/* --- Those that wait for their end --- */

static int code_of(enum libusb_transfer_status status)
{
    switch (status) {
    case LIBUSB_TRANSFER_COMPLETED:
        return 0;
    case LIBUSB_TRANSFER_TIMED_OUT:
        return LIBUSB_ERROR_TIMEOUT;
    case LIBUSB_TRANSFER_STALL:
        return LIBUSB_ERROR_PIPE;
    case LIBUSB_TRANSFER_OVERFLOW:
        return LIBUSB_ERROR_OVERFLOW;
    case LIBUSB_TRANSFER_NO_DEVICE:
        return LIBUSB_ERROR_NO_DEVICE;
    default:
        return LIBUSB_ERROR_IO;
    }
}

static int wait_for(struct flight *f)
{
    enum libusb_transfer_status status;
    int code;

    f->deadline = flight_deadline(&f->transfer);
    fake_usb_lock();
    code = fake_usb_enter_locked(FAKE_USB_SYNC);
    if (!code) {
        while (!fake_usb_progress_locked(f, &status))
            fake_usb_sleep_locked(deadline_never(), f);
        code = code_of(status);
    }
    fake_usb_unlock();
    return code;
}

int LIBUSB_CALL libusb_bulk_transfer(libusb_device_handle *handle, unsigned char endpoint,
                                     unsigned char *data, int length, int *transferred,
                                     unsigned int timeout)
{
    struct flight f = { .transfer = { .dev_handle = handle,
                                      .endpoint = endpoint,
                                      .type = LIBUSB_TRANSFER_TYPE_BULK,
                                      .timeout = timeout,
                                      .buffer = data,
                                      .length = length } };
    int code = wait_for(&f);

    if (transferred)
        *transferred = (int)f.filled;
    return code;
}

int LIBUSB_CALL libusb_interrupt_transfer(libusb_device_handle *handle, unsigned char endpoint,
                                          unsigned char *data, int length, int *transferred,
                                          unsigned int timeout)
{
    return libusb_bulk_transfer(handle, endpoint, data, length, transferred, timeout);
}

int LIBUSB_CALL libusb_control_transfer(libusb_device_handle *handle, uint8_t type, uint8_t request,
                                        uint16_t value, uint16_t index, unsigned char *data,
                                        uint16_t length, unsigned int timeout)
{
    uint8_t *buffer = calloc(1, LIBUSB_CONTROL_SETUP_SIZE + (size_t)length);
    struct flight f = { .transfer = { .dev_handle = handle,
                                      .type = LIBUSB_TRANSFER_TYPE_CONTROL,
                                      .timeout = timeout,
                                      .buffer = buffer } };
    int code;

    if (!buffer)
        abort();
    libusb_fill_control_setup(buffer, type, request, value, index, length);
    if (length && !(type & LIBUSB_ENDPOINT_IN))
        memcpy(buffer + LIBUSB_CONTROL_SETUP_SIZE, data, length);
    code = wait_for(&f);
    if (!code && type & LIBUSB_ENDPOINT_IN && f.filled)
        memcpy(data, buffer + LIBUSB_CONTROL_SETUP_SIZE, f.filled);
    free(buffer);
    return code ? code : (int)f.filled;
}

/* --- Those that tell their end --- */

struct libusb_transfer *LIBUSB_CALL libusb_alloc_transfer(int iso_packets)
{
    struct flight *f = NULL;

    (void)iso_packets;
    fake_usb_lock();
    if (!fake_usb_enter_locked(FAKE_USB_ALLOC))
        f = calloc(1, sizeof *f);
    if (f) {
        f->next = fake_usb.flights;
        fake_usb.flights = f;
        fake_usb.alive.transfers++;
    }
    fake_usb_unlock();
    return f ? &f->transfer : NULL;
}

void LIBUSB_CALL libusb_free_transfer(struct libusb_transfer *transfer)
{
    struct flight *f;

    if (!transfer)
        return;
    f = fake_usb_flight(transfer);
    fake_usb_lock();
    if (f->flying)
        fake_usb_misuse_locked("a transfer freed under way");
    for (struct flight **at = &fake_usb.flights; *at; at = &(*at)->next)
        if (*at == f) {
            *at = f->next;
            break;
        }
    fake_usb.alive.transfers--;
    fake_usb_unlock();
    if (transfer->flags & LIBUSB_TRANSFER_FREE_BUFFER)
        free(transfer->buffer);
    free(f);
}

int LIBUSB_CALL libusb_submit_transfer(struct libusb_transfer *transfer)
{
    struct flight *f = fake_usb_flight(transfer);
    int code;

    fake_usb_lock();
    code = fake_usb_enter_locked(FAKE_USB_SUBMIT);
    if (!code && f->flying)
        code = LIBUSB_ERROR_BUSY;
    else if (!code && !transfer->dev_handle->device->device)
        code = LIBUSB_ERROR_NO_DEVICE;
    if (!code) {
        f->flying = true;
        f->cancelled = false;
        f->filled = 0;
        f->deadline = flight_deadline(transfer);
        fake_usb.alive.flying++;
    }
    fake_usb_unlock();
    return code;
}

int LIBUSB_CALL libusb_cancel_transfer(struct libusb_transfer *transfer)
{
    struct flight *f = fake_usb_flight(transfer);
    int code = 0;

    fake_usb_lock();
    if (!f->flying || f->cancelled)
        code = LIBUSB_ERROR_NOT_FOUND;
    f->cancelled = true;
    fake_usb_unlock();
    return code;
}
