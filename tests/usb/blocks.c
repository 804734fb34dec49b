/* XfrBlock at the four levels of exchange: CCID 1.1 §6.1.4 and appendix. */
#include "tests/usb/inside.h"

#define SHORT_APDU_MAX 261 /* header, Lc, 255 octets, Le */
#define PPS_INITIAL    0xFF
#define PPS0_SPEED     0x10 /* PPS1 is there */
#define T0_TA1         0x10

enum chain { CHAIN_WHOLE, CHAIN_FIRST, CHAIN_LAST, CHAIN_MIDDLE, CHAIN_CONTINUE = 0x10 };

static void answer_part(struct usb_device *d, const struct message *m)
{
    size_t room = d->model->max_message - MESSAGE_HEADER;
    size_t left = d->answer.len - d->answer_at;
    size_t part = left < room ? left : room;
    bool first = d->answer_at == 0, last = part == left;
    struct view data = view_of(d->answer.data + d->answer_at, part);

    d->answer_at += part;
    d->answer_goes_on = !last;
    message_answer(d, m, FROM_BLOCK, 0, 0,
                   first ? (last ? CHAIN_WHOLE : CHAIN_FIRST) : (last ? CHAIN_LAST : CHAIN_MIDDLE),
                   data);
}

/* Time extensions while the card works or waits for a finger. */
void block_extend(struct usb_device *d, const struct message *m, int64_t ms, uint8_t error)
{
    int64_t step = d->extension_ms > 0 ? d->extension_ms : 1;
    uint8_t extension[MESSAGE_HEADER] = { FROM_BLOCK,       0,     0, 0, 0, m->slot, m->sequence,
                                          COMMAND_EXTENDED, error, 0 };

    for (; ms > 0; ms -= step)
        packets_send(d, view_of(extension, sizeof extension), step);
}

void block_run(struct usb_device *d, const struct message *m, struct view apdu)
{
    d->card->command(d->card->context, apdu, &d->answer);
    d->answer_at = 0;
    if (d->card->touched && d->card->touched(d->card->context))
        block_extend(d, m, d->touch_ms, d->touch_hint ? 0xFF : 1);
    block_extend(d, m, d->slow_ms, d->touch_hint ? 0xFF : 1);
    answer_part(d, m);
}

static void take_extended(struct usb_device *d, const struct message *m)
{
    unsigned int level = m->specific[1];

    if (level == CHAIN_CONTINUE) {
        if (!d->answer_goes_on)
            device_complain(d, "asked for more of an answer that is over");
        answer_part(d, m);
        return;
    }
    if ((level == CHAIN_MIDDLE || level == CHAIN_LAST) != d->command_goes_on || level > 3)
        device_complain(d, "parts of a command out of order");
    if (level == CHAIN_WHOLE || level == CHAIN_FIRST)
        buffer_clear(&d->command);
    if (buffer_append_view(&d->command, m->data))
        device_complain(d, "a command longer than any");
    d->command_goes_on = level == CHAIN_FIRST || level == CHAIN_MIDDLE;
    if (d->command_goes_on)
        message_answer(d, m, FROM_BLOCK, 0, 0, CHAIN_CONTINUE, view_of(NULL, 0));
    else
        block_run(d, m, buffer_view(&d->command));
}

static void take_short(struct usb_device *d, const struct message *m)
{
    if (m->specific[1] || m->specific[2])
        device_complain(d, "parts of a command at the level of short APDUs");
    if (m->data.len > SHORT_APDU_MAX || (m->data.len > 5 && m->data.data[4] == 0))
        device_complain(d, "an extended APDU at the level of short ones");
    block_run(d, m, m->data);
}

/* ISO/IEC 7816-3 §9: the card agrees to whatever it offered. */
static void take_pps(struct usb_device *d, const struct message *m, struct buffer *answer)
{
    uint8_t offered = d->atr.len > 2 && d->atr.data[1] & T0_TA1 ? d->atr.data[2] : d->speed;

    if (m->data.len > 2 && m->data.data[1] & PPS0_SPEED) {
        if (m->data.data[2] != offered)
            device_complain(d, "a speed that the card does not offer");
        d->speed = m->data.data[2];
    }
    (void)buffer_append_view(answer, m->data);
}

/* A block reaches the card if the reader speaks as that listens. */
static void pass_block(struct usb_device *d, const struct message *m, struct buffer *answer)
{
    if (m->data.len > 2 && d->smaller_ifs && m->data.data[2] > d->parameters[5])
        device_complain(d, "a block that is longer than the reader said");
    if (d->protocol == 1 &&
        (d->parameters[0] == d->speed || d->model->features & CCID_AUTO_NEGOTIATION))
        t1_card_block(&d->t1, m->data, answer);
}

static void take_tpdu(struct usb_device *d, const struct message *m)
{
    struct buffer answer = BUFFER(T1_BLOCK_MAX);

    if (m->specific[1] || m->specific[2])
        device_complain(d, "parts of a command at the level of TPDUs");
    if (m->data.len && m->data.data[0] == PPS_INITIAL)
        take_pps(d, m, &answer);
    else
        pass_block(d, m, &answer);
    if (d->card->touched && d->card->touched(d->card->context))
        block_extend(d, m, d->touch_ms, 1);
    block_extend(d, m, d->slow_ms, 1);
    if (answer.len)
        message_answer(d, m, FROM_BLOCK, 0, 0, 0, buffer_view(&answer));
    else
        message_answer(d, m, FROM_BLOCK, COMMAND_FAILED, ERROR_MUTE, 0, buffer_view(&answer));
    buffer_free(&answer);
}

void block_take(struct usb_device *d, const struct message *m)
{
    static const uint8_t filler[16];

    if (!d->powered) {
        message_answer(d, m, FROM_BLOCK, COMMAND_FAILED, ERROR_MUTE, 0, view_of(NULL, 0));
    } else if (m->specific[1] == CHAIN_CONTINUE && fault_strikes(d, FAULT_ENDLESS_CHAIN)) {
        message_answer(d, m, FROM_BLOCK, 0, 0, CHAIN_MIDDLE, view_of(filler, sizeof filler));
    } else if (d->model->features & CCID_EXTENDED_APDU) {
        take_extended(d, m);
    } else if (d->model->features & CCID_SHORT_APDU) {
        take_short(d, m);
    } else {
        take_tpdu(d, m);
    }
}
