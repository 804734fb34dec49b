#include "ccid/ccid_slot.h"

#include "base/log.h"

#define CLOCK_KHZ        3580 /* of a reader that does not tell its own */
#define BLOCK_SLACK_MS   1000
#define BLOCK_SILENCE_MS 30000 /* most for one block, whatever the card says of itself */

/* A card that says 4 may mean 7: OpenPGP cards 1 and 2 do, and need 12 s to make a key. A card that
 * is not in time is waited for a little longer, that is all. */
#define BWI_MIN 7
#define BWI_MAX 9

static uint8_t patient(uint8_t bwi_cwi)
{
    unsigned bwi = bwi_cwi >> 4;

    bwi = bwi < BWI_MIN ? BWI_MIN : bwi > BWI_MAX ? BWI_MAX : bwi;
    return (uint8_t)(bwi << 4 | (bwi_cwi & 0x0f));
}

/* 960 times 2^BWI etus of 372 clocks (ISO 7816-3 §11.4.3). */
static int block_waiting_ms(uint8_t bwi_cwi, uint32_t clock_khz)
{
    uint64_t ms = ((uint64_t)960 * 372 << (bwi_cwi >> 4)) / (clock_khz ? clock_khz : CLOCK_KHZ);

    return ms + BLOCK_SLACK_MS < BLOCK_SILENCE_MS ? (int)ms + BLOCK_SLACK_MS : BLOCK_SILENCE_MS;
}

/* A block there and a block back (t1.h). */
static gpg_error_t exchange_block(void *context, struct view block, unsigned wtx,
                                  struct buffer *received, struct deadline deadline)
{
    struct ccid_slot *slot = context;
    struct ccid_command command = { .type = CCID_XFR_BLOCK,
                                    .specific = { (uint8_t)wtx },
                                    .data = block };
    int64_t silence_ms = (int64_t)slot->block_waiting_ms * wtx;
    struct ccid_answer answer;
    gpg_error_t err;

    err = ccid_slot_command(slot, &command, silence_ms > INT32_MAX ? INT32_MAX : (int)silence_ms,
                            deadline, &answer);
    if (gpg_err_code(err) == GPG_ERR_CARD && answer.status == CCID_FAILED &&
        answer.icc == CCID_ICC_ACTIVE && !slot->port->lost)
        return 0; /* mute, parity, overrun: the rules of T=1 are for that */
    if (err || answer.data.len > T1_BLOCK_OCTETS)
        return err;
    return buffer_append_view(received, answer.data);
}

static gpg_error_t unsupported(const char *what)
{
    log_debug("CCID: %s", what);
    return gpg_error(GPG_ERR_EPROTONOSUPPORT);
}

static const char *missing(const struct ccid_descriptor *d, const struct atr *atr)
{
    if (!atr_offers(atr, CCID_T1))
        return "the card does not speak T=1";
    if (!(d->protocols >> CCID_T1 & 1))
        return "the reader does not speak T=1";
    if (atr->t1_crc)
        return "the card wants CRC";
    if (atr->specific && atr->implicit)
        return "the card keeps its parameters to itself";
    return NULL;
}

static uint8_t at_most(uint32_t a, uint32_t b)
{
    return (uint8_t)(a < b ? a : b);
}

gpg_error_t ccid_tpdu_start(struct ccid_slot *slot, struct atr atr, struct deadline deadline)
{
    const struct ccid_descriptor *d = slot->descriptor;
    uint8_t inf_max = at_most(d->max_message - CCID_HEADER_LEN - T1_OVERHEAD, T1_INF_MAX);
    const char *what = missing(d, &atr);
    gpg_error_t err;

    if (what)
        return unsupported(what);
    atr.t1_bwi_cwi = patient(atr.t1_bwi_cwi);
    slot->block_waiting_ms = block_waiting_ms(atr.t1_bwi_cwi, d->clock_khz);
    err = ccid_tpdu_negotiate(slot, &atr, deadline);
    t1_init(&slot->t1, exchange_block, slot, atr.t1_ifsc, inf_max);
    if (!err && !(d->features & CCID_AUTO_IFSD) && d->max_ifsd)
        err = t1_tell_ifsd(&slot->t1, at_most(d->max_ifsd, inf_max), deadline);
    return err;
}
