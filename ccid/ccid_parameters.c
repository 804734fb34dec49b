/* What card and reader agree upon before the first block: T=1, its parameters and its speed (ISO
 * 7816-3:2006 §9, CCID 1.1 §6.1.5 to §6.1.7). */
#include "ccid/ccid_slot.h"
#include "ccid/pps.h"

#include "base/log.h"

#define PARAMETERS_MS 3000
#define T1_PARAMETERS 7 /* octets, of which one is IFSC (§6.1.7) */
#define IFSC_AT       5

/* The speed that the card offers, if the reader can do it, else the default. */
static uint8_t choose_speed(const struct ccid_descriptor *d, const struct atr *atr)
{
    uint32_t rate = pps_bit_rate(atr->fi_di, d->clock_khz);

    return rate && rate <= d->max_bit_rate ? atr->fi_di : ATR_FI_DI_DEFAULT;
}

/* For readers that leave it to us. */
static gpg_error_t choose_protocol(struct ccid_slot *slot, const struct atr *atr, uint8_t *fi_di,
                                   struct deadline deadline)
{
    uint8_t request[PPS_MAX];
    struct ccid_answer answer;
    struct ccid_command command = { .type = CCID_XFR_BLOCK };
    gpg_error_t err;

    if (atr->first == CCID_T1 && *fi_di == ATR_FI_DI_DEFAULT)
        return 0;
    command.data = view_of(request, pps_request(*fi_di, request));
    err = ccid_slot_command(slot, &command, PARAMETERS_MS, deadline, &answer);
    if (!err && !pps_accepted(command.data, answer.data, fi_di))
        err = gpg_error(GPG_ERR_CARD);
    return err;
}

/* One of the three commands about parameters. *known: the reader knows it, and the answer tells
 * what they are now; one that does not has not done anything. */
static gpg_error_t parameters(struct ccid_slot *slot, struct ccid_command *command,
                              struct ccid_answer *answer, struct deadline deadline, bool *known)
{
    gpg_error_t err = ccid_slot_command(slot, command, PARAMETERS_MS, deadline, answer);

    *known = !err;
    return ccid_slot_refused(err, answer) ? 0 : err;
}

/* Tells the reader what the card says of itself (CCID 1.1 §6.1.7). */
static gpg_error_t set_parameters(struct ccid_slot *slot, const struct atr *atr, uint8_t fi_di,
                                  struct deadline deadline, bool *taken)
{
    const uint8_t octets[T1_PARAMETERS] = { fi_di,
                                            (uint8_t)(0x10 | (atr->inverse ? 2 : 0)),
                                            atr->guard_time,
                                            atr->t1_bwi_cwi,
                                            0, /* the clock is not stopped */
                                            atr->t1_ifsc,
                                            0 /* NAD */ };
    struct ccid_command command = { .type = CCID_SET_PARAMETERS,
                                    .specific = { CCID_T1 },
                                    .data = view_of(octets, sizeof octets) };
    struct ccid_answer answer;

    return parameters(slot, &command, &answer, deadline, taken);
}

/* A reader that negotiates by itself may have agreed upon T=0 where the card does both, and upon
 * smaller blocks than the card's own (§6.2.3). One that does not tell is taken at its word. */
static gpg_error_t get_parameters(struct ccid_slot *slot, struct atr *atr, struct deadline deadline,
                                  bool *is_t1)
{
    struct ccid_command command = { .type = CCID_GET_PARAMETERS };
    struct ccid_answer answer;
    bool known;
    gpg_error_t err = parameters(slot, &command, &answer, deadline, &known);

    if (gpg_err_code(err) == GPG_ERR_CARD && slot->icc == CCID_ICC_ACTIVE && !slot->port->lost)
        err = 0;
    *is_t1 = !known || answer.specific == CCID_T1;
    if (!err && known && *is_t1 && answer.data.len >= T1_PARAMETERS && answer.data.data[IFSC_AT] &&
        answer.data.data[IFSC_AT] < atr->t1_ifsc)
        atr->t1_ifsc = answer.data.data[IFSC_AT];
    return err;
}

static gpg_error_t let_negotiate(struct ccid_slot *slot, struct atr *atr, struct deadline deadline)
{
    bool is_t1, taken = true;
    gpg_error_t err = get_parameters(slot, atr, deadline, &is_t1);

    if (!err && !is_t1)
        err = set_parameters(slot, atr, atr->fi_di, deadline, &taken);
    if (err || taken)
        return err;
    log_debug("CCID: the reader has agreed upon T=0");
    return gpg_error(GPG_ERR_EPROTONOSUPPORT);
}

/* The reader does PPS, or the card wants none (ISO 7816-3 §6.3.1). */
static bool is_settled(const struct ccid_slot *slot, const struct atr *atr)
{
    return slot->descriptor->features & CCID_AUTO_PPS || atr->specific;
}

/* *fi_di: the speed to agree upon, and then what it is. */
static gpg_error_t agree(struct ccid_slot *slot, const struct atr *atr, uint8_t *fi_di,
                         struct deadline deadline)
{
    bool settled = is_settled(slot, atr), taken;
    gpg_error_t err = 0;

    if (!settled)
        err = choose_protocol(slot, atr, fi_di, deadline);
    if (!err)
        err = set_parameters(slot, atr, *fi_di, deadline, &taken);
    /* One that keeps to what it has found out by itself may refuse; but not when we have just sent
     * the card to another speed. */
    if (!err && !taken && !settled && *fi_di != ATR_FI_DI_DEFAULT)
        err = gpg_error(GPG_ERR_CARD);
    return err;
}

/* Both are put back to where they began, and stay there. */
static gpg_error_t agree_upon_default(struct ccid_slot *slot, const struct atr *atr,
                                      struct deadline deadline)
{
    struct ccid_command reset = { .type = CCID_RESET_PARAMETERS };
    uint8_t fi_di = ATR_FI_DI_DEFAULT;
    struct ccid_answer answer;
    bool known;
    gpg_error_t err;

    log_debug("CCID: no agreement upon a speed; going on with the default");
    err = ccid_slot_reset_card(slot, deadline);
    if (!err)
        err = parameters(slot, &reset, &answer, deadline, &known);
    return err ? err : agree(slot, atr, &fi_di, deadline);
}

static gpg_error_t agree_upon_speed(struct ccid_slot *slot, const struct atr *atr,
                                    struct deadline deadline)
{
    bool settled = is_settled(slot, atr);
    uint8_t offered = settled ? atr->fi_di : choose_speed(slot->descriptor, atr);
    uint8_t fi_di = offered;
    gpg_error_t err = agree(slot, atr, &fi_di, deadline);

    if (gpg_err_code(err) == GPG_ERR_CARD && !slot->port->lost && !settled &&
        offered != ATR_FI_DI_DEFAULT)
        err = agree_upon_default(slot, atr, deadline);
    return err;
}

gpg_error_t ccid_tpdu_negotiate(struct ccid_slot *slot, struct atr *atr, struct deadline deadline)
{
    return slot->descriptor->features & CCID_AUTO_NEGOTIATES
               ? let_negotiate(slot, atr, deadline)
               : agree_upon_speed(slot, atr, deadline);
}
