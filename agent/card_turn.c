#include "agent/card_private.h"

#include "base/log.h"

/* How long the threads that lock cards, and the end of the agent, wait for one. */
#define LOCK_WAIT_MS 1000

int64_t card_pin_end_ms(struct card *card)
{
    return atomic_load(&card->pin_end_ms);
}

void card_forget_pin(struct card *card)
{
    pin_cache_wipe(&card->pin);
    atomic_store(&card->pin_end_ms, INT64_MAX);
}

static void warn_unlocked(const struct card *card, gpg_error_t err)
{
    if (gpg_err_code(err) == GPG_ERR_CARD_RESET || gpg_err_code(err) == GPG_ERR_CARD_REMOVED)
        return; /* nothing is left of its state */
    log_warning("the card in reader %s may stay unlocked until it is removed: %s",
                card->reader_name, gpg_strerror(err));
}

gpg_error_t card_close_state(struct card *card)
{
    gpg_error_t err = openpgp_card_forget_verification(&card->app, PASSWORD_PW1);

    /* Other programs lose their states by a reset, too: only where the card knows no other way. */
    if (gpg_err_code(err) == GPG_ERR_NOT_SUPPORTED)
        err = reader_reset(card->reader, card->app.channel.deadline);
    if (err)
        warn_unlocked(card, err);
    card_forget_state(card);
    return err;
}

static void serve_lock(struct card *card)
{
    gpg_error_t err;

    if (!atomic_exchange(&card->lock_wanted, false))
        return;
    card_forget_pin(card);
    if (!card->verified)
        return;
    card->verified = false;
    err = card_begin(card, LOCK_WAIT_MS);
    if (err) {
        warn_unlocked(card, err);
    } else {
        err = card_close_state(card);
        card_end(card);
    }
    if (err)
        (void)card_recover(card, err);
}

void card_take_turn(struct card *card)
{
    fifo_lock_take(&card->turn);
    serve_lock(card);
}

/* A wish that comes between the last look and the passing on is seen by the next who has
 * it, or here. */
void card_leave_turn(struct card *card)
{
    do {
        serve_lock(card);
        fifo_lock_pass_on(&card->turn);
    } while (atomic_load(&card->lock_wanted) && fifo_lock_try(&card->turn));
}

void card_lock(struct card *card)
{
    atomic_store(&card->lock_wanted, true);
    if (fifo_lock_try(&card->turn))
        card_leave_turn(card);
}
