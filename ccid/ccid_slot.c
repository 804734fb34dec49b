#include "ccid/ccid_slot.h"

#include "base/log.h"

#include <poll.h>
#include <string.h>

#define STATUS_MS      1000
#define POWER_ON_MS    5000
#define POWER_OFF_MS   2000
#define POWER_ON_TRIES 4 /* a card that was just plugged in may stay mute for a second */
#define MUTE_PAUSE_MS  250
#define VOLTAGES       3

void ccid_slot_init(struct ccid_slot *slot, struct ccid_port *port,
                    const struct ccid_descriptor *descriptor, uint8_t index)
{
    *slot = (struct ccid_slot){
        .port = port, .descriptor = descriptor, .index = index, .icc = CCID_ICC_UNKNOWN
    };
}

gpg_error_t ccid_slot_command(struct ccid_slot *slot, struct ccid_command *command, int silence_ms,
                              struct deadline deadline, struct ccid_answer *answer)
{
    gpg_error_t err;

    *answer = (struct ccid_answer){ .status = CCID_STATUS_UNKNOWN };
    command->slot = slot->index;
    slot->icc = CCID_ICC_UNKNOWN;
    err = ccid_port_exchange(slot->port, command, silence_ms, deadline, answer);
    if (err)
        return err;
    slot->icc = answer->icc;
    if (answer->status != CCID_FAILED)
        return 0;
    /* A reader that is busy with something else has to be got out of that first. */
    slot->port->lost = slot->port->lost || answer->error == CCID_ERROR_BUSY;
    return gpg_error(answer->icc == CCID_ICC_ABSENT ? GPG_ERR_CARD_REMOVED : GPG_ERR_CARD);
}

bool ccid_slot_refused(gpg_error_t err, const struct ccid_answer *answer)
{
    return gpg_err_code(err) == GPG_ERR_CARD && answer->status == CCID_FAILED &&
           answer->error <= CCID_ERROR_FIELD_MAX;
}

gpg_error_t ccid_slot_look(struct ccid_slot *slot, struct deadline deadline)
{
    struct ccid_command command = { .type = CCID_GET_SLOT_STATUS };
    struct ccid_answer answer;
    gpg_error_t err;

    if (slot->port->lost) {
        err = ccid_port_recover(slot->port, slot->index, deadline);
        slot->icc = err ? CCID_ICC_UNKNOWN : slot->port->icc;
        return err;
    }
    err = ccid_slot_command(slot, &command, STATUS_MS, deadline, &answer);
    /* That there is no card is an answer, too. */
    return !err || answer.status != CCID_FAILED || slot->icc != CCID_ICC_ABSENT ? err : 0;
}

void ccid_slot_power_off(struct ccid_slot *slot, struct deadline deadline)
{
    struct ccid_command command = { .type = CCID_ICC_POWER_OFF };
    struct ccid_answer answer;

    slot->ready = false;
    (void)ccid_slot_command(slot, &command, POWER_OFF_MS, deadline, &answer);
}

/* Values of bPowerSelect to try, in order (§6.1.1); returns how many. */
static size_t voltages(const struct ccid_descriptor *d, uint8_t select[VOLTAGES])
{
    size_t count = 0;

    if (!(d->features & (CCID_AUTO_VOLTAGE | CCID_AUTO_ACTIVATION))) {
        for (uint8_t i = 0; i < VOLTAGES; i++) {
            if (d->voltages >> i & 1)
                select[count++] = (uint8_t)(i + 1);
        }
    }
    if (count == 0)
        select[count++] = 0;
    return count;
}

static gpg_error_t power_on_once(struct ccid_slot *slot, uint8_t voltage, struct deadline deadline,
                                 struct ccid_answer *answer)
{
    struct ccid_command command = { .type = CCID_ICC_POWER_ON, .specific = { voltage } };
    gpg_error_t err = ccid_slot_command(slot, &command, POWER_ON_MS, deadline, answer);

    if (err)
        return err;
    if (answer->data.len == 0 || answer->data.len > sizeof slot->atr)
        return gpg_error(GPG_ERR_CARD);
    memcpy(slot->atr, answer->data.data, answer->data.len);
    slot->atr_len = answer->data.len;
    return 0;
}

/* Some readers (Cherry XX33, GemPC433) take cards of banks alone until they are told otherwise. */
static void leave_emv(struct ccid_slot *slot, struct deadline deadline)
{
    static const uint8_t iso_mode[] = { 0x1f, 0x01 };
    struct ccid_command command = { .type = CCID_ESCAPE,
                                    .data = view_of(iso_mode, sizeof iso_mode) };
    struct ccid_answer answer;

    (void)ccid_slot_command(slot, &command, STATUS_MS, deadline, &answer);
}

/* At each voltage in turn, and again for a while as long as the card is mute. */
gpg_error_t ccid_slot_reset_card(struct ccid_slot *slot, struct deadline deadline)
{
    uint8_t select[VOLTAGES];
    size_t count = voltages(slot->descriptor, select);
    gpg_error_t err = 0;

    for (size_t i = 0; i < POWER_ON_TRIES * count; i++) {
        struct ccid_answer answer;

        if (i > 0 && i % count == 0)
            poll(NULL, 0, MUTE_PAUSE_MS);
        if (slot->icc == CCID_ICC_ACTIVE)
            ccid_slot_power_off(slot, deadline);
        err = power_on_once(slot, select[i % count], deadline, &answer);
        if (answer.status != CCID_FAILED || gpg_err_code(err) != GPG_ERR_CARD)
            break;
        if (answer.error != CCID_ERROR_MUTE && i + 1 >= 2 * count)
            break;
        if (answer.error == CCID_ERROR_EMV)
            leave_emv(slot, deadline);
    }
    return err;
}

static gpg_error_t start_protocol(struct ccid_slot *slot, struct deadline deadline)
{
    struct atr atr;
    gpg_error_t err;

    switch (slot->descriptor->level) {
    case CCID_SHORT_APDU:
    case CCID_EXTENDED_APDU:
        return 0;
    case CCID_TPDU:
        err = atr_parse(view_of(slot->atr, slot->atr_len), &atr);
        if (err)
            log_debug("CCID: the card's answer to reset makes no sense");
        return err ? gpg_error(GPG_ERR_CARD) : ccid_tpdu_start(slot, atr, deadline);
    default:
        log_debug("CCID: the reader works at the level of characters");
        return gpg_error(GPG_ERR_EPROTONOSUPPORT);
    }
}

gpg_error_t ccid_slot_power_on(struct ccid_slot *slot, struct deadline deadline)
{
    gpg_error_t err = ccid_slot_look(slot, deadline);

    slot->ready = false;
    if (!err && slot->icc == CCID_ICC_ABSENT)
        return gpg_error(GPG_ERR_CARD_NOT_PRESENT);
    if (!err)
        err = ccid_slot_reset_card(slot, deadline);
    if (!err)
        err = start_protocol(slot, deadline);
    slot->ready = !err;
    ccid_port_wipe(slot->port);
    return err;
}

static gpg_error_t transmit(struct ccid_slot *slot, struct view command, struct buffer *answer,
                            struct deadline deadline)
{
    if (!slot->ready)
        return gpg_error(GPG_ERR_CARD);
    if (slot->descriptor->level == CCID_TPDU)
        return t1_transmit(&slot->t1, command, answer, deadline);
    return ccid_apdu_transmit(slot, command, answer, deadline);
}

gpg_error_t ccid_slot_transmit(struct ccid_slot *slot, struct view command, struct buffer *answer,
                               struct deadline deadline)
{
    gpg_error_t err;

    if (!ccid_apdu_fits(slot, command))
        return gpg_error(GPG_ERR_TOO_LARGE);
    err = transmit(slot, command, answer, deadline);
    slot->ready = slot->ready && !err;
    ccid_port_wipe(slot->port); /* of PINs and plaintext */
    return err;
}
