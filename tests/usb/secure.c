/* PC_to_RDR_Secure, a PIN typed at the reader: CCID 1.1 §6.1.11. */
#include "tests/usb/inside.h"

#include <string.h>

#define VERIFY_FIELDS 15 /* before the APDU: operation, timeout, formats, prologue */
#define PIN_MAX       16

static void fail(struct usb_device *d, const struct message *m, uint8_t error)
{
    message_answer(d, m, FROM_BLOCK, COMMAND_FAILED, error, 0, view_of(NULL, 0));
}

/* At the level of TPDUs the host gives the block's first octets with the template. */
static void run(struct usb_device *d, const struct message *m, const uint8_t prologue[2],
                struct view apdu)
{
    struct buffer block = BUFFER(T1_BLOCK_MAX);
    uint8_t check = 0;

    if ((d->model->features & CCID_LEVELS) != CCID_TPDU) {
        block_run(d, m, apdu);
        return;
    }
    (void)buffer_append(&block, prologue, 2);
    (void)buffer_append_u8(&block, (uint8_t)apdu.len);
    (void)buffer_append_view(&block, apdu);
    for (size_t i = 0; i < block.len; i++)
        check ^= block.data[i];
    (void)buffer_append_u8(&block, check);
    block_take(d, &(struct message){
                      .slot = m->slot, .sequence = m->sequence, .data = buffer_view(&block) });
    buffer_free(&block);
}

/* The template is a header, or a header with Lc and a field of FF to be filled. */
static void fill(struct usb_device *d, const struct message *m, struct view template)
{
    size_t typed = strlen(d->pin);
    struct buffer apdu = BUFFER(5 + 255);
    size_t len = template.len > 5 ? template.data[4] : typed;

    (void)buffer_append(&apdu, template.data, 4);
    (void)buffer_append_u8(&apdu, (uint8_t)len);
    (void)buffer_append(&apdu, d->pin, typed);
    while (apdu.len < 5 + len)
        (void)buffer_append_u8(&apdu, 0xFF);
    run(d, m, m->data.data + VERIFY_FIELDS - 3, buffer_view(&apdu));
    buffer_free(&apdu);
}

void secure_take(struct usb_device *d, const struct message *m)
{
    struct view rest = m->data, fields;
    uint8_t operation;

    if (!d->model->pin_support || !d->powered)
        fail(d, m, 0);
    else if (!view_u8(&rest, &operation) || operation != 0)
        fail(d, m, 10);
    else if (!view_take(&rest, VERIFY_FIELDS - 1, &fields) || rest.len < 4)
        fail(d, m, ERROR_BAD_LENGTH);
    else if (!d->pin || strlen(d->pin) > PIN_MAX)
        fail(d, m, ERROR_CANCELLED);
    else
        fill(d, m, rest);
}
