/* A whole session with a hostile reader: an octet that says which (hostile_usb.h does the rest). */
#include "tests/fuzz/hostile_usb.h"

#define SESSION_MS 5000
#define ROUNDS     3

/* Of the first octet; the lowest three bits are its kind. */
#define NEGOTIATES      0x08
#define ONE_LENGTH      0x10 /* of PINs */
#define KEYPAD          0x20
#define NO_ZERO_PACKETS 0x40
#define MAY_RESET       0x80

#define PATIENCE 16 /* transfers that somebody waits for fingers */

static const struct ccid_descriptor kinds[] = {
    { .slots = 1, .level = CCID_EXTENDED_APDU, .features = 0x000400fe, .max_message = 3072 },
    { .slots = 1, .level = CCID_EXTENDED_APDU, .features = 0x00040042, .max_message = 64 },
    { .slots = 1, .level = CCID_SHORT_APDU, .features = 0x00020842, .max_message = 271 },
    { .slots = 1,
      .level = CCID_TPDU,
      .features = 0x000104ba,
      .max_message = 271,
      .protocols = 3,
      .clock_khz = 4000,
      .max_bit_rate = 307200,
      .max_ifsd = 254 },
    { .slots = 1,
      .level = CCID_TPDU,
      .features = 0x00010230,
      .max_message = 271,
      .protocols = 3,
      .clock_khz = 4000,
      .max_bit_rate = 307200,
      .max_ifsd = 254,
      .voltages = 7 },
    { .slots = 1,
      .level = CCID_TPDU,
      .features = 0x00010622,
      .max_message = 64,
      .protocols = 2,
      .max_ifsd = 254 },
    { .slots = 1, .level = CCID_CHARACTER, .features = 0x00000030, .max_message = 271 },
    { .slots = 1, .level = CCID_EXTENDED_APDU, .features = 0x00040000, .max_message = 17 },
};

static void transmit(struct ccid_slot *slot, size_t len, struct deadline deadline)
{
    static const uint8_t command[2000] = { 0x00, 0x20 };
    struct buffer answer = BUFFER(1000);
    gpg_error_t err;

    hostile_usb.whole_apdus = 0;
    err = ccid_slot_transmit(slot, view_of(command, len), &answer, deadline);
    FUZZ_CHECK(!err || !slot->ready || gpg_err_code(err) == GPG_ERR_TOO_LARGE);
    FUZZ_CHECK(answer.len <= 1000);
    if (slot->descriptor->level != CCID_TPDU)
        FUZZ_CHECK(hostile_usb.whole_apdus <= 1);
    buffer_free(&answer);
}

static bool gives_up(void *context)
{
    const unsigned *from = context;

    return hostile_usb.transfers - *from > PATIENCE;
}

static void type_pin(struct ccid_slot *slot, bool one_length, struct deadline deadline)
{
    const struct ccid_keypad *keypad =
        one_length ? ccid_keypad_find(0x0982, 0x0008) : ccid_keypad_find(0x04e6, 0xe003);
    const struct keypad_verify what = { .pin_min = 6, .pin_max = 8, .pin_length = 6, .seconds = 1 };
    unsigned from = hostile_usb.transfers;
    const struct reader_waiter waiter = { .gives_up = gives_up, .context = &from };
    struct buffer answer = BUFFER(256);
    gpg_error_t err;

    slot->port->waiter = &waiter;
    err = ccid_slot_verify_on_keypad(slot, keypad, &what, &answer, deadline);
    slot->port->waiter = NULL;
    FUZZ_CHECK(gpg_err_code(err) != GPG_ERR_CARD || !slot->ready);
    buffer_free(&answer);
}

static void session(struct ccid_slot *slot, uint8_t how)
{
    struct deadline deadline = deadline_in_ms(SESSION_MS);

    for (int round = 0; round < ROUNDS; round++) {
        gpg_error_t err = ccid_slot_power_on(slot, deadline);

        FUZZ_CHECK(err ? !slot->ready : slot->ready && slot->atr_len <= CCID_ATR_MAX);
        transmit(slot, 5, deadline);
        if (how & KEYPAD)
            type_pin(slot, how & ONE_LENGTH, deadline);
        transmit(slot, 255, deadline);
        transmit(slot, 2000, deadline);
    }
    ccid_slot_power_off(slot, deadline);
    FUZZ_CHECK(!deadline_passed(deadline));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int nothing;
    libusb_device_handle *handle = (libusb_device_handle *)(void *)&nothing;
    struct usb_pipe pipe;
    struct ccid_port port;
    struct ccid_descriptor descriptor;
    struct ccid_slot slot;
    uint8_t how;

    hostile_usb = (struct hostile_usb){ .input = view_of(data, size) };
    if (!view_u8(&hostile_usb.input, &how))
        return 0;
    descriptor = kinds[how % 8];
    if (how & NEGOTIATES)
        descriptor.features |= CCID_AUTO_NEGOTIATES;
    hostile_usb.max_message = descriptor.max_message;
    FUZZ_CHECK(!usb_pipe_init(&pipe, NULL, handle, 0));
    pipe.in = 0x81;
    pipe.out = 0x01;
    pipe.in_packet = 64;
    FUZZ_CHECK(!ccid_port_init(&port, &pipe, descriptor.max_message));
    hostile_usb.buffer = view_of(port.in, port.in_size);
    port.may_reset = how & MAY_RESET;
    port.no_zero_packets = how & NO_ZERO_PACKETS;
    ccid_slot_init(&slot, &port, &descriptor, 0);
    session(&slot, how);
    ccid_port_destroy(&port);
    usb_pipe_destroy(&pipe);
    return 0;
}
