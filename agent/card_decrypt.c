#include "agent/card_private.h"
#include "agent/known_tokens.h"
#include "base/advice.h"
#include "base/log.h"

#include <string.h>

/* An RSA-4096 decryption in software takes a token over 8 seconds; a touch may be waited for. */
#define DECIPHER_MS 60000

/* Tokens give up waiting for a touch after 15 seconds. A refusal that comes this late is that. */
#define TOUCH_TIMEOUT_MS 14000

/* Tries read as long ago as this may be shown; VERIFY reads them anew in its own transaction. */
#define TRIES_FRESH_MS 5000

#define PIN_MIN 6 /* §4.3.1 */

/* The card is in a transaction while a human types on its reader's keypad: for that long, and a
 * little more for the reader and the card. */
#define KEYPAD_SECONDS 30
#define KEYPAD_MS      45000

/* One request's state over its rounds; a round is one transaction. */
struct job {
    const struct public_key *key;
    struct view data;
    const struct requester *requester;
    struct secret pin;    /* typed and not yet sent */
    bool on_keypad;       /* the PIN is to be typed there, once, for the prompt that was answered */
    bool no_keypad;       /* the reader does not do it after all */
    bool from_cache;      /* `pin` was typed for an earlier request */
    unsigned tries_shown; /* with the question that gave us this PIN */
    uint8_t aid_shown[AID_LEN];
    size_t pin_max;       /* of the card that asked for a PIN */
    bool offers_keypad;   /* of its reader, to be told with the question */
    bool want_pin;        /* this round ended for want of one */
    bool holder_news;     /* the card has told whose it is */
    gpg_error_t previous; /* why the last PIN did not do */
    bool recovered;       /* the one second chance has been used */
    struct secret plain;
};

/* A question has been answered, and its answer not been used. */
static bool is_answered(const struct job *job)
{
    return job->pin.data || job->on_keypad;
}

/* It holds the key, and a typed PIN is for the card that the prompt named. */
static bool is_the_right_card(const struct card *card, const struct job *job)
{
    const struct key_facts *slot = &card->facts.key[SLOT_DECRYPT];

    return slot->state == SLOT_READ &&
           memcmp(slot->key.keygrip, job->key->keygrip, KEYGRIP_LEN) == 0 &&
           (!is_answered(job) || memcmp(card->app.data.aid, job->aid_shown, AID_LEN) == 0);
}

static gpg_error_t read_kdf_once(struct card *card)
{
    gpg_error_t err = 0;

    if (!card->kdf_read)
        err = openpgp_card_read_kdf(&card->app, &card->kdf);
    card->kdf_read = !err;
    return err;
}

/* The PIN is kept only when the card took it: refused, or with no answer, it is wiped. */
static gpg_error_t send_pin(struct card *card, struct job *job)
{
    struct secret sent = { 0 };
    gpg_error_t err = kdf_do_apply(&card->kdf, PASSWORD_PW1, &job->pin, &sent);

    if (!err)
        err = openpgp_card_verify(&card->app, PASSWORD_PW1, &sent);
    secret_free(&sent);
    card->verified = !err;
    if (err) {
        secret_free(&job->pin);
        card_forget_pin(card);
        /* Perhaps it was right, and should have been hashed: look again before the next. */
        card->kdf_read = card->kdf_read && card->kdf.active;
    } else if (job->from_cache) {
        secret_free(&job->pin);
    } else {
        pin_cache_keep(&card->pin, card->pin_policy, &job->pin, boottime_ms());
    }
    return err;
}

static void await_keypad(struct card *card, const struct job *job, bool waits)
{
    atomic_store(&card->awaits_touch, waits);
    job->requester->keypad(job->requester->context, waits);
}

/* One entry for each prompt, whatever comes of it. */
static gpg_error_t verify_on_keypad(struct card *card, struct job *job)
{
    gpg_error_t err;

    job->on_keypad = false;
    card->app.channel.deadline = deadline_in_ms(KEYPAD_MS);
    await_keypad(card, job, true);
    err = openpgp_card_verify_on_keypad(&card->app, PASSWORD_PW1, PIN_MIN,
                                        card->app.data.pw.pw1_max, KEYPAD_SECONDS);
    await_keypad(card, job, false);
    card->app.channel.deadline = deadline_in_ms(CARD_WAIT_MS);
    card->verified = !err;
    job->no_keypad = gpg_err_code(err) == GPG_ERR_NOT_SUPPORTED;
    if (err) {
        card_forget_pin(card);
        card->kdf_read = card->kdf_read && card->kdf.active;
    } else {
        pin_cache_note_unseen(&card->pin, boottime_ms());
    }
    if (!err && job->requester->is_gone(job->requester->context))
        err = gpg_error(GPG_ERR_CANCELED);
    return err;
}

/* A PIN that was typed before for this very card stands in for a typing, but never for the last
 * try. */
static gpg_error_t take_cached_pin(struct card *card, struct job *job)
{
    if (!card->pin.pin.data || card->app.data.pw.pw1_tries < 2)
        return 0;
    job->from_cache = true;
    job->tries_shown = card->app.data.pw.pw1_tries;
    return secret_copy(&job->pin, secret_view(&card->pin.pin));
}

/* A keypad sends what is typed, and never a digest of it. Whether that is wanted has been read by
 * the time that it counts. */
static bool offers_keypad(const struct card *card, const struct job *job)
{
    return !job->no_keypad && !card->kdf.active && reader_has_keypad(card->reader);
}

/* Ends this round in order to ask, unless asking is of no use. What is shown must be remembered:
 * others may use the card meanwhile. */
static gpg_error_t ask_after_this_round(struct card *card, struct job *job, gpg_error_t previous)
{
    const struct pw_status *pw = &card->app.data.pw;

    secret_free(&job->pin);
    job->on_keypad = false;
    job->previous = previous;
    if (pw->pin_block_2)
        return gpg_error(GPG_ERR_NOT_SUPPORTED);
    if (pw->pw1_tries == 0)
        return gpg_error(GPG_ERR_PIN_BLOCKED);
    job->want_pin = true;
    job->tries_shown = pw->pw1_tries;
    job->pin_max = pw->pw1_max;
    job->offers_keypad = offers_keypad(card, job);
    return 0;
}

static gpg_error_t after_refused_pin(struct card *card, struct job *job)
{
    gpg_error_t err = card_identify(card);

    /* Nobody has just typed a PIN that was kept: there is nothing to blame the human for. */
    if (!err)
        err = ask_after_this_round(card, job, job->from_cache ? 0 : gpg_error(GPG_ERR_BAD_PIN));
    return err;
}

/* The PIN is sent only for tries that were shown, and by the keypad only where one still may. */
static gpg_error_t use_answer(struct card *card, struct job *job)
{
    gpg_error_t err;

    if (card->app.data.pw.pw1_tries < job->tries_shown)
        return ask_after_this_round(card, job, gpg_error(GPG_ERR_CONFLICT));
    if (job->on_keypad && !offers_keypad(card, job))
        return ask_after_this_round(card, job, job->previous);
    err = job->on_keypad ? verify_on_keypad(card, job) : send_pin(card, job);
    if (job->no_keypad && gpg_err_code(err) == GPG_ERR_NOT_SUPPORTED)
        return ask_after_this_round(card, job, job->previous);
    if (gpg_err_code(err) == GPG_ERR_BAD_PIN || gpg_err_code(err) == GPG_ERR_PIN_BLOCKED)
        err = after_refused_pin(card, job);
    return err;
}

/* Within a transaction: the card is the one of the prompt, its tries are those that were shown, and
 * only then the PIN is sent. */
static gpg_error_t verify(struct card *card, struct job *job)
{
    bool fresh = card->selected && monotonic_ms() - card->data_read_ms < TRIES_FRESH_MS;
    bool has_read_kdf;
    gpg_error_t err = 0;

    /* Whether a blocked PIN was unblocked meanwhile is worth a look. */
    if (is_answered(job) || card->pin.pin.data || !fresh || card->app.data.pw.pw1_tries == 0)
        err = card_identify_key(card);
    if (!err && !is_the_right_card(card, job))
        err = gpg_error(GPG_ERR_WRONG_CARD);
    /* Before a human types for nothing. */
    if (!err && !channel_takes(&card->app.channel, job->data.len))
        err = gpg_error(GPG_ERR_TOO_LARGE);
    has_read_kdf = card->kdf_read || !card->app.data.extended.kdf;
    if (!err)
        err = read_kdf_once(card);
    if (!err && !is_answered(job))
        err = take_cached_pin(card, job);
    if (err)
        return err;
    if (!is_answered(job)) {
        /* The commands of a first decryption are counted: reading a KDF, and answers in pieces,
         * leave no room for a courtesy. */
        if (has_read_kdf && card->app.channel.extended && card->app.data_commands == 1)
            job->holder_news = card_learn_holder(card);
        return ask_after_this_round(card, job, job->previous);
    }
    return use_answer(card, job);
}

/* Tells by the card's word for a failed DECIPHER whether its state was lost, nobody touched it, or
 * it could not open what it got. *lost: select and verify again, once. */
static gpg_error_t explain_failure(struct card *card, uint16_t sw, gpg_error_t err, int64_t took_ms,
                                   bool *lost)
{
    bool touch = card->app.data.slot[SLOT_DECRYPT].touch != TOUCH_OFF;

    *lost = false;
    if (sw == 0 || sw == SW_SUCCESS)
        return err;
    if (sw == SW_NO_TOUCH ||
        (sw == SW_SECURITY_NOT_SATISFIED && touch && took_ms >= TOUCH_TIMEOUT_MS))
        return error_no_touch();
    *lost = sw == SW_SECURITY_NOT_SATISFIED || status_word_foreign(sw);
    return gpg_error(*lost ? GPG_ERR_NO_AUTH : GPG_ERR_DECRYPT_FAILED);
}

static void await_touch(struct card *card, const struct job *job, bool waits)
{
    atomic_store(&card->awaits_touch, waits);
    job->requester->touch(job->requester->context, waits);
}

static gpg_error_t decipher(struct card *card, struct job *job)
{
    bool touch = card->app.data.slot[SLOT_DECRYPT].touch != TOUCH_OFF;
    int64_t begun = monotonic_ms();
    gpg_error_t err;
    uint16_t sw;
    bool lost;

    card->app.channel.deadline = deadline_in_ms(DECIPHER_MS);
    if (touch)
        await_touch(card, job, true);
    err = openpgp_card_decipher(&card->app, job->key, job->data, &job->plain, &sw);
    if (touch)
        await_touch(card, job, false);
    if (!err)
        return 0;
    log_debug("card: DECIPHER answered %04X: %s", sw, gpg_strerror(err));
    err = explain_failure(card, sw, err, monotonic_ms() - begun, &lost);
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

/* A verified card has one command to answer, which begins the transaction, too; but not one that
 * may wait for a touch: whoever is told of that must not wait for other programs. */
static gpg_error_t begin(struct card *card)
{
    bool touch = card->app.data.slot[SLOT_DECRYPT].touch != TOUCH_OFF;

    return card->verified && !touch ? card_begin_late(card, CARD_WAIT_MS)
                                    : card_begin(card, CARD_WAIT_MS);
}

static gpg_error_t use_card(struct card *card, struct job *job)
{
    gpg_error_t err = begin(card), closing;

    if (err)
        return err;
    if (!card->verified)
        err = verify(card, job);
    if (!err && !job->want_pin)
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

/* Others may have their turns meanwhile. */
static gpg_error_t ask_for_pin(struct card *card, struct job *job)
{
    struct card_facts facts;
    struct pin_question question = { .facts = &facts,
                                     .slot = SLOT_DECRYPT,
                                     .tries_left = job->tries_shown,
                                     .previous = job->previous,
                                     .pin_min = PIN_MIN,
                                     .pin_max = job->pin_max,
                                     .gone_fd = card->gone_fd,
                                     .keypad = job->offers_keypad };
    gpg_error_t err;

    if (job->requester->is_gone(job->requester->context))
        return gpg_error(GPG_ERR_CANCELED);
    card_known_facts(card, &facts);
    if (job->holder_news)
        known_tokens_note(card->known, &facts);
    job->holder_news = false;
    memcpy(job->aid_shown, facts.data.aid, AID_LEN);
    job->want_pin = false;
    job->from_cache = false;
    err = job->requester->ask_pin(job->requester->context, &question, &job->pin);
    job->on_keypad = !err && !job->pin.data;
    return err && atomic_load(&card->gone) ? gpg_error(GPG_ERR_CARD_REMOVED) : err;
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
        if (!err && job->want_pin)
            err = ask_for_pin(card, job);
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
        job->requester->remember(job->requester->context, &job->plain);
    return err;
}

gpg_error_t card_decrypt(struct card *card, const struct public_key *key, struct view data,
                         const struct requester *requester, struct secret *plain)
{
    struct job job = { .key = key, .data = data, .requester = requester };
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
    secret_free(&job.pin);
    secret_free(&job.plain);
    return err;
}
