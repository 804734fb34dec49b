#include "agent/card_private.h"
#include "agent/card_verify.h"
#include "base/advice.h"
#include "base/log.h"

/* An RSA-4096 decryption in software takes a token over 8 seconds; a touch may be waited for. */
#define DECIPHER_MS 60000

/* Tokens give up waiting for a touch after 15 seconds. A refusal that comes this late is that. */
#define TOUCH_TIMEOUT_MS 14000

/* One request's state over its rounds. */
struct job {
    struct verify_job verify;
    struct view data;
    bool recovered; /* the one second chance has been used */
    struct secret plain;
};

/* Tells by the card's word for a failed DECIPHER whether its state was lost, nobody touched it, or
 * it could not open what it got. *lost: select and verify again, once. */
static gpg_error_t explain_failure(uint16_t sw, gpg_error_t err, bool touch, int64_t took_ms,
                                   bool *lost)
{
    *lost = false;
    if (sw == 0 || sw == SW_SUCCESS)
        return err;
    if (sw == SW_NO_TOUCH ||
        (sw == SW_SECURITY_NOT_SATISFIED && touch && took_ms >= TOUCH_TIMEOUT_MS))
        return error_no_touch();
    *lost = sw == SW_SECURITY_NOT_SATISFIED || status_word_foreign(sw);
    return gpg_error(*lost ? GPG_ERR_NO_AUTH : GPG_ERR_DECRYPT_FAILED);
}

/* Told by the card's policy, or else by the token while it waits. */
struct touch {
    struct card *card;
    const struct job *job;
    bool told;
};

static void await_touch(void *context)
{
    struct touch *touch = context;
    const struct requester *requester = touch->job->verify.requester;

    if (touch->told)
        return;
    touch->told = true;
    atomic_store(&touch->card->awaits_touch, true);
    requester->touch(requester->context, true);
}

static void end_touch(const struct touch *touch)
{
    const struct requester *requester = touch->job->verify.requester;

    if (!touch->told)
        return;
    atomic_store(&touch->card->awaits_touch, false);
    requester->touch(requester->context, false);
}

static gpg_error_t decipher(struct card *card, struct job *job)
{
    struct touch touch = { .card = card, .job = job };
    const struct reader_waiter waiter = { .touch_wanted = await_touch, .context = &touch };
    int64_t begun = monotonic_ms();
    gpg_error_t err;
    uint16_t sw;
    bool lost;

    card->app.channel.deadline = deadline_in_ms(DECIPHER_MS);
    if (card->app.data.slot[SLOT_DECRYPT].touch != TOUCH_OFF)
        await_touch(&touch);
    reader_set_waiter(card->reader, &waiter);
    err = openpgp_card_decipher(&card->app, job->verify.key, job->data, &job->plain, &sw);
    reader_set_waiter(card->reader, NULL);
    end_touch(&touch);
    if (!err)
        return 0;
    log_debug("card: DECIPHER answered %04X: %s", sw, gpg_strerror(err));
    err = explain_failure(sw, err, touch.told, monotonic_ms() - begun, &lost);
    if (lost) {
        card->selected = false;
        card->verified = false;
    }
    return err;
}

/* The time to live runs from the last use. Where no PIN may be kept, its effect may not stay
 * either. */
static gpg_error_t note_use(struct card *card)
{
    gpg_error_t err = 0;

    if (card->verified && card->pin_policy->idle_ms == 0)
        err = card_close_state(card);
    if (card->verified)
        pin_cache_touch(&card->pin, boottime_ms());
    atomic_store(&card->pin_end_ms, pin_cache_end_ms(&card->pin, card->pin_policy));
    return err;
}

static gpg_error_t use_card(struct card *card, struct job *job)
{
    gpg_error_t err = card_begin(card, CARD_WAIT_MS), closing;

    if (err)
        return err;
    if (!card->verified)
        err = card_verify(card, &job->verify);
    if (!err && !job->verify.want_pin)
        err = decipher(card, job);
    closing = note_use(card);
    card_end(card);
    if (closing)
        (void)card_recover(card, closing);
    return err;
}

/* A second chance is for a card that was reset or taken over by another program in between, not for
 * one that keeps failing. *again: this was the first. */
static gpg_error_t one_round(struct card *card, struct job *job, bool *again)
{
    gpg_error_t err;

    card_take_turn(card);
    err = use_card(card, job);
    *again =
        err && (card_recover(card, err) || gpg_err_code(err) == GPG_ERR_NO_AUTH) && !job->recovered;
    card_leave_turn(card);
    job->recovered = job->recovered || *again;
    return err;
}

/* The errors by which the rounds tell each other what to do next mean something else to a
 * client. */
static gpg_error_t last_word(gpg_error_t err)
{
    switch (gpg_err_code(err)) {
    case GPG_ERR_NO_AUTH:
        return gpg_error(GPG_ERR_USE_CONDITIONS);
    case GPG_ERR_NO_PIN: /* nobody typed it on the keypad */
        return gpg_error(GPG_ERR_TIMEOUT);
    case GPG_ERR_ENOENT: /* it had the OpenPGP application when its key was found */
        return gpg_error(GPG_ERR_CARD);
    default:
        return err;
    }
}

static gpg_error_t decrypt_in_rounds(struct card *card, struct job *job)
{
    gpg_error_t err;
    bool again;

    do {
        err = one_round(card, job, &again);
        if (!err && job->verify.want_pin)
            err = card_ask_for_pin(card, &job->verify);
        else if (!err)
            return 0;
    } while (!err || again);
    return last_word(err);
}

/* Before the next in the queue has its place: it may ask the same. */
static gpg_error_t decrypt_and_tell(struct card *card, struct job *job)
{
    gpg_error_t err = decrypt_in_rounds(card, job);

    if (!err)
        job->verify.requester->remember(job->verify.requester->context, &job->plain);
    return err;
}

gpg_error_t card_decrypt(struct card *card, const struct public_key *key, struct view data,
                         const struct requester *requester, struct secret *plain)
{
    struct job job = { .verify = { .key = key, .data_len = data.len, .requester = requester },
                       .data = data };
    gpg_error_t err = 0;

    fifo_lock_take(&card->queue);
    if (requester->is_gone(requester->context))
        err = gpg_error(GPG_ERR_CANCELED);
    else if (!requester->recall(requester->context, &job.plain))
        err = decrypt_and_tell(card, &job);
    if (gpg_err_code(err) == GPG_ERR_DECRYPT_FAILED)
        card_doubt_memory(card);
    fifo_lock_pass_on(&card->queue);
    if (!err)
        secret_move(plain, &job.plain);
    secret_free(&job.verify.pin);
    secret_free(&job.plain);
    return err;
}
