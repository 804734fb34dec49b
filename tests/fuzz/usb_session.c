/* A whole session with a hostile reader: kind of the reader (hostile_usb.h does the rest). */
#include "tests/fuzz/hostile_usb.h"

#define SESSION_MS 5000
#define ROUNDS     3

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
    { .slots = 1, .level = CCID_EXTENDED_APDU, .features = 0x00040000, .max_message = 15 },
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

static void session(struct ccid_slot *slot)
{
    struct deadline deadline = deadline_in_ms(SESSION_MS);

    for (int round = 0; round < ROUNDS; round++) {
        gpg_error_t err = ccid_slot_power_on(slot, deadline);

        FUZZ_CHECK(err ? !slot->ready : slot->ready && slot->atr_len <= CCID_ATR_MAX);
        transmit(slot, 5, deadline);
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
    struct ccid_slot slot;
    uint8_t kind;

    hostile_usb = (struct hostile_usb){ .input = view_of(data, size) };
    if (!view_u8(&hostile_usb.input, &kind))
        return 0;
    hostile_usb.max_message = kinds[kind % 8].max_message;
    FUZZ_CHECK(!usb_pipe_init(&pipe, NULL, handle, 0));
    pipe.in = 0x81;
    pipe.out = 0x01;
    pipe.in_packet = 64;
    FUZZ_CHECK(!ccid_port_init(&port, &pipe, kinds[kind % 8].max_message));
    hostile_usb.buffer = view_of(port.in, port.in_size);
    port.may_reset = kind & 0x80;
    port.no_zero_packets = kind & 0x40;
    ccid_slot_init(&slot, &port, &kinds[kind % 8], 0);
    session(&slot);
    ccid_port_destroy(&port);
    usb_pipe_destroy(&pipe);
    return 0;
}
