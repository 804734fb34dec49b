/* PC_to_RDR_Secure, a PIN typed at the reader: CCID 1.1 §6.1.11. */
#include "tests/usb/inside.h"

#include <string.h>

#define VERIFY_FIELDS 15 /* before the APDU: operation, timeout, formats, prologue */
#define IN_ASCII      0x82
#define SCM           0x04E6

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

/* The next PIN, "" when there is none that the reader would take. */
static struct view type(struct usb_device *d, uint8_t max, uint8_t min)
{
    size_t len = strcspn(d->pin, ",");
    struct view typed = view_of(d->pin, len);

    if (d->pin[len])
        d->pin += len + 1;
    return len < min || len > max ? view_of("", 0) : typed;
}

/* The template is a header, or a header with Lc and a field of FF to be filled. */
static void fill(struct usb_device *d, const struct message *m, struct view template,
                 struct view typed)
{
    struct buffer apdu = BUFFER(5 + 255);
    size_t len = template.len > 5 ? template.data[4] : typed.len;

    (void)buffer_append(&apdu, template.data, 4);
    (void)buffer_append_u8(&apdu, (uint8_t)len);
    (void)buffer_append_view(&apdu, typed);
    while (apdu.len < 5 + len)
        (void)buffer_append_u8(&apdu, 0xFF);
    run(d, m, m->data.data + VERIFY_FIELDS - 3, buffer_view(&apdu));
    buffer_free(&apdu);
}

/* What the host says of a PIN whose length it does not know. */
static void look_at(struct usb_device *d, const uint8_t *fields, size_t template_len)
{
    if (fields[1] != IN_ASCII || (template_len == 4 && (fields[2] || fields[3])))
        device_complain(d, "a PIN in a form that no OpenPGP card has");
    if (template_len == 4 && d->model->vendor == SCM && !d->case_one)
        device_complain(d, "a bare header for a reader that was not told so");
}

void secure_escape(struct usb_device *d, struct view escape)
{
    static const uint8_t case_one[] = { 0x80, 0x02, 0x00 };

    d->case_one = view_equal(escape, view_of(case_one, sizeof case_one));
}

static void ask(struct usb_device *d, const struct message *m, const uint8_t *fields,
                struct view template)
{
    int64_t slow_ms = d->slow_ms;
    struct view typed;

    look_at(d, fields, template.len);
    if (!d->pin) {
        fail(d, m, ERROR_CANCELLED);
        return;
    }
    typed = type(d, fields[4], fields[5]);
    d->slow_ms += d->typing_ms;
    if (typed.len)
        fill(d, m, template, typed);
    else
        fail(d, m, ERROR_TIMEOUT);
    d->slow_ms = slow_ms;
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
    else
        ask(d, m, fields.data, rest);
}
