/* The endpoints of one claimed USB interface: octets out and in, each transfer with its own end in
 * time, and all of them with an end that another thread can make.
 *
 * Errors: GPG_ERR_TIMEOUT, GPG_ERR_EPIPE (the endpoint has stalled), GPG_ERR_EOVERFLOW (more came
 * than was asked for), GPG_ERR_EIO, GPG_ERR_ENOMEM, and GPG_ERR_CARD_REMOVED: the device is gone or
 * usb_pipe_interrupt was called. */
#pragma once

#include "base/bytes.h"

#include <libusb.h>
#include <pthread.h>

struct usb_pipe {
    libusb_context *context;
    libusb_device_handle *handle;
    uint8_t interface;
    uint8_t in, out;  /* addresses of the bulk endpoints */
    size_t in_packet; /* most octets in a packet of the first */
    pthread_mutex_t mutex;
    struct libusb_transfer *transfer;
    int done;       /* atomic: the transfer has ended */
    bool under_way; /* the transfer; under the mutex */
    bool ended;     /* under the mutex */
};

/* The context stays the caller's and outlives the pipe. The handle stays the caller's, too; it is
 * closed before the pipe is destroyed and before any buffer is freed: a transfer that did not end
 * does then. */
gpg_error_t usb_pipe_init(struct usb_pipe *pipe, libusb_context *context,
                          libusb_device_handle *handle, uint8_t interface);
void usb_pipe_destroy(struct usb_pipe *pipe);

/* One transfer at a time. */
gpg_error_t usb_pipe_write(struct usb_pipe *pipe, struct view octets, int ms);

/* *len is what came, whether or not that was all: also of a transfer that failed. */
gpg_error_t usb_pipe_read(struct usb_pipe *pipe, uint8_t *at, size_t size, int ms, size_t *len);

/* A class request without data to the interface. */
gpg_error_t usb_pipe_request(struct usb_pipe *pipe, uint8_t request, uint16_t value, int ms);

/* Takes the halt off both endpoints, and so sets their toggles back. */
void usb_pipe_clear(struct usb_pipe *pipe);

/* Makes the device forget the state of the interface. */
void usb_pipe_renew(struct usb_pipe *pipe);

/* Resets the whole device; GPG_ERR_CARD_REMOVED when it comes back as another. */
gpg_error_t usb_pipe_reset(struct usb_pipe *pipe);

/* Ends the transfer under way and all that come later, until usb_pipe_resume. */
void usb_pipe_interrupt(struct usb_pipe *pipe);
void usb_pipe_resume(struct usb_pipe *pipe);
bool usb_pipe_ended(struct usb_pipe *pipe);

/* Has libusb handle its events, until *until is set by one of them or the time is over; looks again
 * by then, or earlier. */
void usb_handle_events(libusb_context *context, int64_t ms, int *until);

/* An error of libusb as above. */
gpg_error_t usb_error(int code);
