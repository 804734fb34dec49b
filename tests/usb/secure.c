/* PC_to_RDR_Secure, a PIN typed at the reader: CCID 1.1 §6.1.11. */
#include "tests/usb/inside.h"

#include <string.h>

#define VERIFY_FIELDS 15 /* before the APDU: operation, timeout, formats, prologue */
#define IN_ASCII      0x82
#define KEY_PRESSED   2
#define ONE_MESSAGE   1

#define CHERRY        0x046A
#define CHERRY_ST2000 0x003E
#define SCM           0x04E6
#define GEMPC_PINPAD  0x08E63478
#define VEGA_ALPHA    0x09820008

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

static void demand(struct usb_device *d, bool kept, const char *otherwise)
{
    if (!kept)
        device_complain(d, otherwise);
}

/* A field of FF for a PIN of that length and no other. */
static bool is_field(const uint8_t *fields, struct view template)
{
    size_t len = template.len > 5 ? template.data[4] : 0;

    for (size_t i = 0; len && i < len; i++)
        if (template.len != 5 + len || template.data[5 + i] != 0xFF)
            return false;
    return len && fields[2] == len && fields[4] == len && fields[5] == len;
}

static uint32_t id(const struct usb_model *model)
{
    return (uint32_t)model->vendor << 16 | model->product;
}

/* What this very reader wants. */
static void look_at(struct usb_device *d, const struct message *m, const uint8_t *fields,
                    struct view template)
{
    const struct usb_model *model = d->model;
    bool fixed = id(model) == GEMPC_PINPAD || id(model) == VEGA_ALPHA;
    bool cherry = model->vendor == CHERRY;
    bool blocks = (model->features & CCID_LEVELS) == CCID_TPDU;

    demand(d, fields[1] == IN_ASCII && !fields[3], "a PIN in a form that no OpenPGP card has");
    demand(d, fields[6] == KEY_PRESSED && fields[7] == ONE_MESSAGE, "an end or a message amiss");
    demand(d, fields[13] == (blocks && fixed ? template.len : 0), "a length in the prologue");
    if (fixed) {
        demand(d, is_field(fields, template), "no field for a PIN of one length");
        demand(d, id(model) != VEGA_ALPHA || d->hides_tries, "tries that are to be shown");
    } else {
        demand(d, template.len == (cherry ? 5 : 4) && !fields[2], "not the header alone");
        demand(d, !cherry || template.data[4] == 0, "an Lc where none is known");
    }
    demand(d, model->vendor != SCM || d->case_one, "a bare header for who was not told so");
    demand(d, (m->type == TO_SECURE_CHERRY) == (cherry && model->product != CHERRY_ST2000),
           "keys that are shown, or a message that only Cherry has");
}

void secure_escape(struct usb_device *d, struct view escape)
{
    static const uint8_t case_one[] = { 0x80, 0x02, 0x00 };
    static const uint8_t iso_mode[] = { 0x1F, 0x01 };
    static const uint8_t hide_tries[] = { 0xB5, 0x01, 0x00, 0x03, 0x00 };

    d->emv = d->emv && !view_equal(escape, view_of(iso_mode, sizeof iso_mode));
    d->case_one = d->case_one || view_equal(escape, view_of(case_one, sizeof case_one));
    d->hides_tries = d->hides_tries || view_equal(escape, view_of(hide_tries, sizeof hide_tries));
}

/* Somebody has typed, or not. */
static void answer(struct usb_device *d, const struct message *m)
{
    const uint8_t *fields = m->data.data + 1;
    struct view template = view_of(fields + VERIFY_FIELDS - 1, m->data.len - VERIFY_FIELDS);
    struct view typed;

    if (!d->pin) {
        fail(d, m, ERROR_CANCELLED);
        return;
    }
    typed = type(d, fields[4], fields[5]);
    if (typed.len)
        fill(d, m, template, typed);
    else
        fail(d, m, ERROR_TIMEOUT);
}

void secure_go_on(struct usb_device *d)
{
    if (!d->typing || d->now_ms < d->typed_ms)
        return;
    d->typing = false;
    answer(d, &d->secure);
}

static void ask(struct usb_device *d, const struct message *m)
{
    look_at(d, m, m->data.data + 1,
            view_of(m->data.data + VERIFY_FIELDS, m->data.len - VERIFY_FIELDS));
    if (!d->typing_ms) {
        answer(d, m);
        return;
    }
    buffer_clear(&d->secure_body);
    (void)buffer_append_view(&d->secure_body, m->data);
    d->secure = *m;
    d->secure.data = buffer_view(&d->secure_body);
    d->typing = true;
    d->typed_ms = d->now_ms + d->typing_ms;
    block_extend(d, m, d->typing_ms - 1, 1);
}

void secure_take(struct usb_device *d, const struct message *m)
{
    if (!d->model->pin_support || !d->powered)
        fail(d, m, 0);
    else if (m->data.len < VERIFY_FIELDS + 4)
        fail(d, m, ERROR_BAD_LENGTH);
    else if (m->data.data[0] != 0)
        fail(d, m, 10);
    else
        ask(d, m);
}
