#include "tests/usb/exerciser.h"

#include <string.h>

#define HEADER      10
#define MESSAGE_MAX 4096
#define ANSWER_MAX  65564
#define NO_SENSE    2000
#define FAILED      1000

enum { POWER_ON = 0x62, BLOCK = 0x6F, DATA = 0x80 };
enum { AUTO_VOLTAGE = 0x08, LEVELS = 0x70000, TPDU = 0x10000 };
enum { CHAIN_FIRST = 1, CHAIN_LAST = 2, CHAIN_MIDDLE = 3, CHAIN_CONTINUE = 0x10 };

static uint32_t le32(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* The class descriptor, wherever the device has put it. */
static const uint8_t *class_descriptor(const unsigned char *extra, int len)
{
    while (len >= 2 && extra[0] >= 2 && extra[0] <= len) {
        if (extra[0] >= 54 && extra[1] == 0x21)
            return extra;
        len -= extra[0];
        extra += extra[0];
    }
    return NULL;
}

static bool take_interface(struct exerciser *e, const struct libusb_interface_descriptor *s)
{
    const uint8_t *class = class_descriptor(s->extra, s->extra_length);

    e->interrupt_in = 0;
    for (uint8_t i = 0; i < s->bNumEndpoints; i++) {
        const struct libusb_endpoint_descriptor *p = &s->endpoint[i];

        if (!class)
            class = class_descriptor(p->extra, p->extra_length);
        if ((p->bmAttributes & 3) == LIBUSB_TRANSFER_TYPE_INTERRUPT)
            e->interrupt_in = p->bEndpointAddress;
        else if (p->bEndpointAddress & LIBUSB_ENDPOINT_IN)
            e->bulk_in = p->bEndpointAddress;
        else
            e->bulk_out = p->bEndpointAddress;
    }
    if (!class)
        return false;
    e->interface = s->bInterfaceNumber;
    e->features = le32(class + 40);
    e->max_message = le32(class + 44);
    return s->bInterfaceClass == 0x0B || s->bInterfaceClass == 0xFF;
}

static int find_interface(struct exerciser *e, libusb_device *device)
{
    struct libusb_config_descriptor *config;
    int code = libusb_get_active_config_descriptor(device, &config);
    bool found = false;

    if (code)
        return code;
    for (uint8_t i = 0; i < config->bNumInterfaces && !found; i++)
        found = take_interface(e, &config->interface[i].altsetting[0]);
    libusb_free_config_descriptor(config);
    return found ? 0 : LIBUSB_ERROR_NOT_FOUND;
}

int exerciser_open(struct exerciser *e, libusb_device *device)
{
    int code;

    *e = (struct exerciser){ .timeout_ms = 5000 };
    code = find_interface(e, device);
    if (!code)
        code = libusb_open(device, &e->handle);
    if (!code) {
        code = libusb_claim_interface(e->handle, e->interface);
        if (code)
            libusb_close(e->handle);
    }
    if (code)
        e->handle = NULL;
    return code;
}

void exerciser_close(struct exerciser *e)
{
    if (!e->handle)
        return;
    (void)libusb_release_interface(e->handle, e->interface);
    libusb_close(e->handle);
    e->handle = NULL;
}

/* `power` is bPowerSelect, `level` wLevelParameter. */
static int send(struct exerciser *e, uint8_t type, uint8_t power, uint8_t level, struct view data)
{
    uint8_t message[MESSAGE_MAX];
    int sent;

    if (data.len > sizeof message - HEADER)
        return LIBUSB_ERROR_INVALID_PARAM;
    memset(message, 0, HEADER);
    message[0] = type;
    message[1] = (uint8_t)data.len;
    message[2] = (uint8_t)(data.len >> 8);
    message[6] = ++e->sequence;
    message[7] = power;
    message[8] = level;
    if (data.len)
        memcpy(message + HEADER, data.data, data.len);
    return libusb_bulk_transfer(e->handle, e->bulk_out, message, (int)(HEADER + data.len), &sent,
                                e->timeout_ms);
}

/* One answer, time extensions passed over; *chain is bChainParameter. */
static int receive(struct exerciser *e, struct buffer *answer, uint8_t *chain)
{
    static uint8_t message[ANSWER_MAX];
    int code, len;

    do {
        code = libusb_bulk_transfer(e->handle, e->bulk_in, message, sizeof message, &len,
                                    e->timeout_ms);
        if (code == LIBUSB_ERROR_TIMEOUT && len >= HEADER &&
            (uint32_t)len == HEADER + le32(message + 1))
            code = 0; /* full packets, and none to end them */
        if (code)
            return code;
        if (len && (len < HEADER || message[6] != e->sequence))
            return NO_SENSE;
        if (len && message[7] & 0x80) {
            e->extensions++;
            e->last_error = message[8];
        }
    } while (!len || message[7] & 0x80);
    if (message[7] & 0x40)
        return FAILED + message[8];
    if (message[0] != DATA || (uint32_t)len != HEADER + le32(message + 1))
        return NO_SENSE;
    *chain = message[9];
    return buffer_append(answer, message + HEADER, (size_t)len - HEADER) ? NO_SENSE : 0;
}

int exerciser_power_on(struct exerciser *e, struct buffer *atr)
{
    uint8_t chain;
    bool chooses = e->features & AUTO_VOLTAGE || (e->features & LEVELS) != TPDU;
    int code = send(e, POWER_ON, chooses ? 0 : 1, 0, view_of(NULL, 0));

    buffer_clear(atr);
    e->ns = e->nr = 0;
    return code ? code : receive(e, atr, &chain);
}

static int send_parts(struct exerciser *e, struct view apdu)
{
    size_t room = e->max_message - HEADER;
    struct buffer none = BUFFER(1);
    struct view part;
    uint8_t level = CHAIN_FIRST, chain = 0;
    int code;

    if (apdu.len <= room)
        return send(e, BLOCK, 0, 0, apdu);
    while (apdu.len > room) {
        view_take(&apdu, room, &part);
        code = send(e, BLOCK, 0, level, part);
        if (!code)
            code = receive(e, &none, &chain);
        if (code || chain != CHAIN_CONTINUE)
            return code ? code : NO_SENSE;
        level = CHAIN_MIDDLE;
    }
    return send(e, BLOCK, 0, CHAIN_LAST, apdu);
}

static int command_apdu(struct exerciser *e, struct view apdu, struct buffer *answer)
{
    uint8_t chain = 0;
    int code = send_parts(e, apdu);

    if (!code)
        code = receive(e, answer, &chain);
    while (!code && (chain == CHAIN_FIRST || chain == CHAIN_MIDDLE)) {
        code = send(e, BLOCK, 0, CHAIN_CONTINUE, view_of(NULL, 0));
        if (!code)
            code = receive(e, answer, &chain);
    }
    return code;
}

static int exchange_block(struct exerciser *e, uint8_t pcb, struct view information,
                          struct buffer *block)
{
    struct buffer sent = BUFFER(HEADER + 255);
    uint8_t check = 0, chain;
    int code;

    (void)buffer_append_u8(&sent, 0);
    (void)buffer_append_u8(&sent, pcb);
    (void)buffer_append_u8(&sent, (uint8_t)information.len);
    (void)buffer_append_view(&sent, information);
    for (size_t i = 0; i < sent.len; i++)
        check ^= sent.data[i];
    (void)buffer_append_u8(&sent, check);
    buffer_clear(block);
    code = send(e, BLOCK, 0, 0, buffer_view(&sent));
    if (!code)
        code = receive(e, block, &chain);
    buffer_free(&sent);
    check = 0;
    for (size_t i = 0; i < block->len; i++)
        check ^= block->data[i];
    return code ? code : block->len < 4 || check ? NO_SENSE : 0;
}

/* I-blocks out and in, each answered as it should be: ISO/IEC 7816-3 §11. */
static int command_tpdu(struct exerciser *e, struct view apdu, struct buffer *answer)
{
    struct buffer block = BUFFER(300);
    struct view part = view_of(NULL, 0);
    int code = 0;

    while (!code && apdu.len) {
        view_take(&apdu, apdu.len < 254 ? apdu.len : 254, &part);
        code = exchange_block(e, (uint8_t)(e->ns << 6 | (apdu.len ? 0x20 : 0)), part, &block);
        e->ns ^= 1;
        if (!code && apdu.len && block.data[1] != (0x80 | e->ns << 4))
            code = NO_SENSE;
    }
    while (!code) {
        if (block.data[1] & 0x80 || block.data[1] >> 6 != e->nr ||
            buffer_append(answer, block.data + 3, block.data[2])) {
            code = NO_SENSE;
            break;
        }
        e->nr ^= 1;
        if (!(block.data[1] & 0x20))
            break;
        code = exchange_block(e, (uint8_t)(0x80 | e->nr << 4), view_of(NULL, 0), &block);
    }
    buffer_free(&block);
    return code;
}

int exerciser_command(struct exerciser *e, struct view apdu, struct buffer *answer)
{
    buffer_clear(answer);
    return (e->features & LEVELS) == TPDU ? command_tpdu(e, apdu, answer)
                                          : command_apdu(e, apdu, answer);
}
