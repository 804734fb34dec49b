/* Messages of the host, but for XfrBlock and Secure: CCID 1.1 §6.1. */
#include "tests/usb/inside.h"

#include <string.h>

#define DEFAULT_T1_PARAMETERS                                                                      \
    {                                                                                              \
        0x11, 0x10, 0x00, 0x4D, 0x00, 0x20, 0x00                                                   \
    } /* §6.1.7 */

static uint8_t icc_status(const struct usb_device *d)
{
    if (!d->present)
        return ICC_ABSENT;
    return d->powered ? ICC_ACTIVE : ICC_INACTIVE;
}

void message_answer(struct usb_device *d, const struct message *to, uint8_t type, uint8_t status,
                    uint8_t error, uint8_t specific, struct view data)
{
    uint8_t header[MESSAGE_HEADER] = { type,
                                       (uint8_t)data.len,
                                       (uint8_t)(data.len >> 8),
                                       (uint8_t)(data.len >> 16),
                                       0,
                                       to->slot,
                                       to->sequence,
                                       (uint8_t)(status | icc_status(d)),
                                       error,
                                       specific };
    struct buffer octets = BUFFER(MESSAGE_MAX);

    if (!buffer_append(&octets, header, sizeof header) && !buffer_append_view(&octets, data))
        fault_send(d, buffer_view(&octets));
    buffer_free(&octets);
}

static void status(struct usb_device *d, const struct message *m)
{
    message_answer(d, m, FROM_STATUS, 0, 0, 0, view_of(NULL, 0));
}

static void refuse(struct usb_device *d, const struct message *m, uint8_t error)
{
    bool secure = m->type == TO_SECURE || m->type == TO_SECURE_CHERRY;
    uint8_t type =
        m->type == TO_BLOCK || m->type == TO_POWER_ON || secure ? FROM_BLOCK : FROM_STATUS;

    message_answer(d, m, type, COMMAND_FAILED, error, 0, view_of(NULL, 0));
}

void message_power_off(struct usb_device *d)
{
    d->powered = d->command_goes_on = d->answer_goes_on = false;
    buffer_clear(&d->command);
    buffer_clear(&d->answer);
}

/* 1 is 5 V, 2 is 3 V, 3 is 1.8 V; 0 is for readers that choose, and tokens that do not care. */
static bool voltage_fits(const struct usb_device *d, uint8_t select)
{
    if (select == 0)
        return d->model->features & (CCID_AUTO_ACTIVATION | CCID_AUTO_VOLTAGE) ||
               (d->model->features & CCID_LEVELS) != CCID_TPDU;
    return select <= 3 && d->model->voltages >> (select - 1) & 1;
}

static void default_parameters(struct usb_device *d)
{
    static const uint8_t defaults[7] = DEFAULT_T1_PARAMETERS;

    memcpy(d->parameters, defaults, sizeof defaults);
}

static void power_on(struct usb_device *d, const struct message *m)
{
    d->counts.power_ons++;
    message_power_off(d);
    d->atr = view_of(NULL, 0);
    if (d->present && voltage_fits(d, m->specific[0]))
        d->atr = d->card->power_on(d->card->context);
    if (!d->atr.len || d->emv) {
        refuse(d, m, d->emv ? ERROR_EMV : ERROR_MUTE);
        return;
    }
    d->powered = true;
    default_parameters(d);
    d->speed = d->parameters[0];
    d->protocol = d->model->features & CCID_AUTO_NEGOTIATION ? d->negotiated : 1;
    if (d->smaller_ifs)
        d->parameters[5] = d->smaller_ifs;
    t1_card_reset(&d->t1, d->model->features & CCID_AUTO_IFSD ? d->model->max_ifsd : 0);
    message_answer(d, m, FROM_BLOCK, 0, 0, 0, d->atr);
}

static bool set_parameters(struct usb_device *d, const struct message *m)
{
    if (m->specific[0] != 1 || m->data.len != sizeof d->parameters)
        return false;
    memcpy(d->parameters, m->data.data, sizeof d->parameters);
    d->protocol = 1;
    if (d->model->features & (CCID_AUTO_PPS | CCID_AUTO_NEGOTIATION))
        d->speed = d->parameters[0];
    return true;
}

/* §6.2.3: five octets for T=0, seven for T=1. */
static void parameters(struct usb_device *d, const struct message *m)
{
    d->counts.parameter_gets += m->type == TO_GET_PARAMETERS;
    d->counts.parameter_sets += m->type == TO_SET_PARAMETERS;
    d->counts.parameter_resets += m->type == TO_RESET_PARAMETERS;
    if (!d->powered) {
        refuse(d, m, ERROR_MUTE);
        return;
    }
    if (m->type == TO_RESET_PARAMETERS)
        default_parameters(d);
    if (m->type == TO_SET_PARAMETERS && !set_parameters(d, m)) {
        refuse(d, m, 7);
        return;
    }
    message_answer(d, m, FROM_PARAMETERS, 0, 0, d->protocol,
                   view_of(d->parameters, d->protocol ? sizeof d->parameters : 5));
}

/* §5.3.1: both halves of an abort have the same number. */
static void abort_command(struct usb_device *d, const struct message *m)
{
    if (d->abort_sequence != m->sequence) {
        device_complain(d, "PC_to_RDR_Abort without the control request of the same number");
        return;
    }
    d->counts.aborts++;
    d->abort_sequence = -1;
    d->endless = FAULT_NONE;
    d->command_goes_on = d->answer_goes_on = d->typing = false;
    d->busy_ms = 0;
    packets_drop(&d->in);
    status(d, m);
}

/* §4.2.2.2: while a command is under way, only an abort or a change of power ends it. */
static bool is_busy(struct usb_device *d, const struct message *m)
{
    enum usb_fault_kind endless;

    if (d->endless == FAULT_ENDLESS_STALE || m->type == TO_POWER_ON || m->type == TO_POWER_OFF)
        d->endless = FAULT_NONE;
    if ((d->endless != FAULT_ENDLESS_EXTENSION && !d->typing) || m->type == TO_ABORT)
        return false;
    endless = d->endless;
    d->endless = FAULT_NONE;
    message_answer(d, m, FROM_STATUS, COMMAND_FAILED, 0xE0, 0, view_of(NULL, 0));
    d->endless = endless;
    return true;
}

static void take(struct usb_device *d, const struct message *m)
{
    switch (m->type) {
    case TO_POWER_ON:
        power_on(d, m);
        break;
    case TO_POWER_OFF:
        message_power_off(d);
        status(d, m);
        break;
    case TO_SLOT_STATUS:
        status(d, m);
        break;
    case TO_GET_PARAMETERS:
    case TO_SET_PARAMETERS:
    case TO_RESET_PARAMETERS:
        parameters(d, m);
        break;
    case TO_BLOCK:
        d->counts.blocks++;
        block_take(d, m);
        break;
    case TO_SECURE:
    case TO_SECURE_CHERRY:
        d->counts.secures++;
        secure_take(d, m);
        break;
    case TO_ESCAPE:
        secure_escape(d, m->data);
        message_answer(d, m, FROM_ESCAPE, 0, 0, 0, view_of(NULL, 0));
        break;
    case TO_ABORT:
        abort_command(d, m);
        break;
    default:
        refuse(d, m, 0);
    }
}

void message_take(struct usb_device *d, struct view octets)
{
    struct message m = { 0 };
    uint8_t len[4];

    if (octets.len < MESSAGE_HEADER) {
        device_complain(d, "a message shorter than its header");
        return;
    }
    memcpy(len, octets.data + 1, sizeof len);
    m = (struct message){ octets.data[0],
                          octets.data[5],
                          octets.data[6],
                          { octets.data[7], octets.data[8], octets.data[9] },
                          view_of(octets.data + MESSAGE_HEADER, octets.len - MESSAGE_HEADER) };
    if (octets.len > d->model->max_message)
        device_complain(d, "a message longer than dwMaxCCIDMessageLength");
    if ((len[0] | (uint32_t)len[1] << 8 | (uint32_t)len[2] << 16 | (uint32_t)len[3] << 24) !=
        m.data.len)
        refuse(d, &m, ERROR_BAD_LENGTH);
    else if (m.slot >= d->model->slots)
        refuse(d, &m, ERROR_BAD_SLOT);
    else if (!is_busy(d, &m))
        take(d, &m);
}
