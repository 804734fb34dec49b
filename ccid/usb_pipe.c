#include "ccid/usb_pipe.h"

#include "base/deadline.h"

#include <poll.h>

#define CLASS_TO_INTERFACE                                                                         \
    (LIBUSB_ENDPOINT_OUT | LIBUSB_REQUEST_TYPE_CLASS | LIBUSB_RECIPIENT_INTERFACE)
#define LATE_MS       1000 /* for libusb to end a transfer whose time is over */
#define BAD_EVENTS_MS 20   /* pause when libusb cannot even wait */

gpg_error_t usb_error(int code)
{
    switch (code) {
    case LIBUSB_SUCCESS:
        return 0;
    case LIBUSB_ERROR_NO_DEVICE:
    case LIBUSB_ERROR_NOT_FOUND:
        return gpg_error(GPG_ERR_CARD_REMOVED);
    case LIBUSB_ERROR_TIMEOUT:
        return gpg_error(GPG_ERR_TIMEOUT);
    case LIBUSB_ERROR_PIPE:
        return gpg_error(GPG_ERR_EPIPE);
    case LIBUSB_ERROR_OVERFLOW:
        return gpg_error(GPG_ERR_EOVERFLOW);
    case LIBUSB_ERROR_NO_MEM:
        return gpg_error(GPG_ERR_ENOMEM);
    case LIBUSB_ERROR_ACCESS:
        return gpg_error(GPG_ERR_EPERM);
    case LIBUSB_ERROR_BUSY:
        return gpg_error(GPG_ERR_LOCKED);
    default:
        return gpg_error(GPG_ERR_EIO);
    }
}

void usb_handle_events(libusb_context *context, int64_t ms, int *until)
{
    struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };
    int code = libusb_handle_events_timeout_completed(context, &tv, until);

    if (code < 0 && code != LIBUSB_ERROR_INTERRUPTED)
        poll(NULL, 0, BAD_EVENTS_MS);
}

static gpg_error_t status_error(enum libusb_transfer_status status)
{
    switch (status) {
    case LIBUSB_TRANSFER_COMPLETED:
        return 0;
    case LIBUSB_TRANSFER_TIMED_OUT:
        return gpg_error(GPG_ERR_TIMEOUT);
    case LIBUSB_TRANSFER_STALL:
        return gpg_error(GPG_ERR_EPIPE);
    case LIBUSB_TRANSFER_OVERFLOW:
        return gpg_error(GPG_ERR_EOVERFLOW);
    case LIBUSB_TRANSFER_NO_DEVICE:
    case LIBUSB_TRANSFER_CANCELLED: /* by usb_pipe_interrupt */
        return gpg_error(GPG_ERR_CARD_REMOVED);
    default:
        return gpg_error(GPG_ERR_EIO);
    }
}

gpg_error_t usb_pipe_init(struct usb_pipe *pipe, libusb_context *context,
                          libusb_device_handle *handle, uint8_t interface)
{
    struct libusb_transfer *transfer = libusb_alloc_transfer(0);

    if (!transfer)
        return gpg_error(GPG_ERR_ENOMEM);
    *pipe = (struct usb_pipe){
        .context = context, .handle = handle, .interface = interface, .transfer = transfer
    };
    pthread_mutex_init(&pipe->mutex, NULL);
    return 0;
}

void usb_pipe_destroy(struct usb_pipe *pipe)
{
    libusb_free_transfer(pipe->transfer);
    pthread_mutex_destroy(&pipe->mutex);
}

static void LIBUSB_CALL note_done(struct libusb_transfer *transfer)
{
    __atomic_store_n((int *)transfer->user_data, 1, __ATOMIC_RELEASE);
}

static gpg_error_t submit(struct usb_pipe *pipe)
{
    gpg_error_t err = gpg_error(GPG_ERR_CARD_REMOVED);

    pthread_mutex_lock(&pipe->mutex);
    if (!pipe->ended)
        err = usb_error(libusb_submit_transfer(pipe->transfer));
    pipe->under_way = !err;
    pthread_mutex_unlock(&pipe->mutex);
    return err;
}

/* Handles events until the transfer ends, for so long at most. */
static void await(struct usb_pipe *pipe, int ms)
{
    struct deadline deadline = deadline_in_ms(ms);
    int left;

    while (!__atomic_load_n(&pipe->done, __ATOMIC_ACQUIRE) &&
           (left = deadline_poll_ms(deadline)) > 0)
        usb_handle_events(pipe->context, left, &pipe->done);
}

/* libusb ends a transfer in time, and one that is cancelled at once. Should it fail to, the buffer
 * is its own until the device is closed, and so is the pipe. */
static gpg_error_t await_end(struct usb_pipe *pipe, int ms)
{
    bool done;

    await(pipe, ms + LATE_MS);
    if (!__atomic_load_n(&pipe->done, __ATOMIC_ACQUIRE)) {
        libusb_cancel_transfer(pipe->transfer);
        await(pipe, LATE_MS);
    }
    done = __atomic_load_n(&pipe->done, __ATOMIC_ACQUIRE);
    pthread_mutex_lock(&pipe->mutex);
    pipe->under_way = !done;
    pipe->ended = pipe->ended || !done;
    pthread_mutex_unlock(&pipe->mutex);
    return done ? status_error(pipe->transfer->status) : gpg_error(GPG_ERR_CARD_REMOVED);
}

static gpg_error_t transfer(struct usb_pipe *pipe, uint8_t endpoint, uint8_t *at, size_t size,
                            int ms, size_t *len)
{
    gpg_error_t err;

    *len = 0;
    if (ms <= 0) /* which would mean without end */
        return gpg_error(GPG_ERR_TIMEOUT);
    if (usb_pipe_ended(pipe))
        return gpg_error(GPG_ERR_CARD_REMOVED);
    pipe->done = 0;
    libusb_fill_bulk_transfer(pipe->transfer, pipe->handle, endpoint, at, (int)size, note_done,
                              &pipe->done, (unsigned)ms);
    err = submit(pipe);
    if (err)
        return err;
    err = await_end(pipe, ms);
    if (pipe->done && pipe->transfer->actual_length > 0)
        *len = (size_t)pipe->transfer->actual_length;
    return err;
}

gpg_error_t usb_pipe_write(struct usb_pipe *pipe, struct view octets, int ms)
{
    size_t len;
    /* libusb only reads what goes out. */
    uint8_t *at = (uint8_t *)(uintptr_t)octets.data;
    gpg_error_t err = transfer(pipe, pipe->out, at, octets.len, ms, &len);

    return !err && len != octets.len ? gpg_error(GPG_ERR_EIO) : err;
}

gpg_error_t usb_pipe_read(struct usb_pipe *pipe, uint8_t *at, size_t size, int ms, size_t *len)
{
    return transfer(pipe, pipe->in, at, size, ms, len);
}

gpg_error_t usb_pipe_request(struct usb_pipe *pipe, uint8_t request, uint16_t value, int ms)
{
    int code;

    if (usb_pipe_ended(pipe))
        return gpg_error(GPG_ERR_CARD_REMOVED);
    code = libusb_control_transfer(pipe->handle, CLASS_TO_INTERFACE, request, value,
                                   pipe->interface, NULL, 0, (unsigned)ms);
    return code < 0 ? usb_error(code) : 0;
}

void usb_pipe_clear(struct usb_pipe *pipe)
{
    if (usb_pipe_ended(pipe))
        return;
    libusb_clear_halt(pipe->handle, pipe->in);
    libusb_clear_halt(pipe->handle, pipe->out);
}

void usb_pipe_renew(struct usb_pipe *pipe)
{
    if (!usb_pipe_ended(pipe))
        libusb_set_interface_alt_setting(pipe->handle, pipe->interface, 0);
}

gpg_error_t usb_pipe_reset(struct usb_pipe *pipe)
{
    if (usb_pipe_ended(pipe))
        return gpg_error(GPG_ERR_CARD_REMOVED);
    return usb_error(libusb_reset_device(pipe->handle));
}

void usb_pipe_interrupt(struct usb_pipe *pipe)
{
    pthread_mutex_lock(&pipe->mutex);
    pipe->ended = true;
    if (pipe->under_way)
        libusb_cancel_transfer(pipe->transfer);
    pthread_mutex_unlock(&pipe->mutex);
}

void usb_pipe_resume(struct usb_pipe *pipe)
{
    pthread_mutex_lock(&pipe->mutex);
    pipe->ended = pipe->under_way; /* what did not end then never will */
    pthread_mutex_unlock(&pipe->mutex);
}

bool usb_pipe_ended(struct usb_pipe *pipe)
{
    bool ended;

    pthread_mutex_lock(&pipe->mutex);
    ended = pipe->ended;
    pthread_mutex_unlock(&pipe->mutex);
    return ended;
}
