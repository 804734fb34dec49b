#include "tests/fuzz/hostile_usb.h"

#define XFR_BLOCK 0x6f

struct hostile_usb hostile_usb;

static uint8_t last[CCID_HEADER_LEN]; /* header of the last command */
static struct libusb_transfer *pending;

/* No pauses in a world without time. */
int __wrap_poll(void *fds, unsigned long count, int ms);
int __wrap_poll(void *fds, unsigned long count, int ms)
{
    (void)fds, (void)count, (void)ms;
    return 0;
}

struct libusb_transfer *LIBUSB_CALL libusb_alloc_transfer(int packets)
{
    (void)packets;
    return calloc(1, sizeof(struct libusb_transfer));
}

void LIBUSB_CALL libusb_free_transfer(struct libusb_transfer *transfer)
{
    FUZZ_CHECK(transfer != pending);
    free(transfer);
}

int LIBUSB_CALL libusb_submit_transfer(struct libusb_transfer *transfer)
{
    FUZZ_CHECK(!pending && transfer->timeout > 0 && transfer->length > 0);
    if (transfer->endpoint & LIBUSB_ENDPOINT_IN)
        FUZZ_CHECK(
            fuzz_within(view_of(transfer->buffer, (size_t)transfer->length), hostile_usb.buffer));
    pending = transfer;
    hostile_usb.transfers++;
    return 0;
}

int LIBUSB_CALL libusb_cancel_transfer(struct libusb_transfer *transfer)
{
    (void)transfer;
    return LIBUSB_ERROR_NOT_FOUND;
}

/* What we send must be right whatever we get. */
static void take_command(const struct libusb_transfer *t)
{
    struct view message = view_of(t->buffer, (size_t)t->length);

    FUZZ_CHECK(ccid_message_len(message) == message.len);
    FUZZ_CHECK(message.len <= hostile_usb.max_message);
    memcpy(last, message.data, sizeof last);
    if (last[0] == XFR_BLOCK && (last[8] == CCID_WHOLE || last[8] == CCID_LAST))
        hostile_usb.whole_apdus++;
}

static size_t give(struct libusb_transfer *t, const uint8_t *octets, size_t len)
{
    size_t room = (size_t)t->length;

    if (len > room) {
        t->status = LIBUSB_TRANSFER_OVERFLOW;
        len = room;
    }
    if (len)
        memcpy(t->buffer, octets, len);
    return len;
}

static size_t give_answer(struct libusb_transfer *t, bool with_lrc)
{
    static uint8_t message[CCID_HEADER_LEN + 256];
    struct view head, data;
    uint8_t lrc = 0;
    size_t len;

    if (!view_take(&hostile_usb.input, 5, &head))
        return 0;
    if (!view_take(&hostile_usb.input, head.data[4], &data))
        data = hostile_usb.input;
    memset(message, 0, CCID_HEADER_LEN);
    message[0] = head.data[0];
    message[5] = last[5];
    message[6] = last[6];
    memcpy(message + 7, head.data + 1, 3);
    if (data.len)
        memcpy(message + CCID_HEADER_LEN, data.data, data.len);
    len = data.len;
    for (size_t i = 0; i < data.len; i++)
        lrc ^= data.data[i];
    if (with_lrc)
        message[CCID_HEADER_LEN + len++] = lrc;
    message[1] = (uint8_t)len;
    message[2] = (uint8_t)(len >> 8);
    return give(t, message, CCID_HEADER_LEN + len);
}

static size_t give_raw(struct libusb_transfer *t)
{
    struct view octets;
    uint8_t n = 0;

    (void)view_u8(&hostile_usb.input, &n);
    if (!view_take(&hostile_usb.input, n, &octets))
        octets = hostile_usb.input;
    return give(t, octets.data, octets.len);
}

static size_t end_in(struct libusb_transfer *t)
{
    static const enum libusb_transfer_status ends[] = { LIBUSB_TRANSFER_TIMED_OUT,
                                                        LIBUSB_TRANSFER_STALL,
                                                        LIBUSB_TRANSFER_ERROR,
                                                        LIBUSB_TRANSFER_OVERFLOW };
    uint8_t c;

    if (!view_u8(&hostile_usb.input, &c)) {
        t->status = LIBUSB_TRANSFER_NO_DEVICE;
        return 0;
    }
    if (c < 0x80)
        return give_answer(t, c & 1);
    if (c >= 0xc0)
        t->status = ends[c & 3];
    return c < 0xe0 ? give_raw(t) : 0;
}

int LIBUSB_CALL libusb_handle_events_timeout_completed(libusb_context *context, struct timeval *tv,
                                                       int *completed)
{
    struct libusb_transfer *t = pending;

    (void)context, (void)tv, (void)completed;
    pending = NULL;
    if (!t)
        return 0;
    t->status = LIBUSB_TRANSFER_COMPLETED;
    t->actual_length = t->length;
    if (t->endpoint & LIBUSB_ENDPOINT_IN)
        t->actual_length = (int)end_in(t);
    else
        take_command(t);
    t->callback(t);
    return 0;
}

int LIBUSB_CALL libusb_control_transfer(libusb_device_handle *handle, uint8_t type, uint8_t request,
                                        uint16_t value, uint16_t index, unsigned char *data,
                                        uint16_t length, unsigned int timeout)
{
    (void)handle, (void)type, (void)request, (void)value, (void)index, (void)data, (void)length;
    FUZZ_CHECK(timeout > 0);
    return LIBUSB_ERROR_PIPE;
}

int LIBUSB_CALL libusb_clear_halt(libusb_device_handle *handle, unsigned char endpoint)
{
    (void)handle, (void)endpoint;
    return 0;
}

int LIBUSB_CALL libusb_set_interface_alt_setting(libusb_device_handle *handle, int interface,
                                                 int setting)
{
    (void)handle, (void)interface, (void)setting;
    return 0;
}

int LIBUSB_CALL libusb_reset_device(libusb_device_handle *handle)
{
    (void)handle;
    return 0;
}
