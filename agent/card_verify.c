#include "agent/card_verify.h"

#include "agent/card_private.h"
#include "agent/known_tokens.h"
#include "base/log.h"

#include <string.h>

/* Tries read as long ago as this may be shown; VERIFY reads them anew in its own transaction. */
#define TRIES_FRESH_MS 5000

#define PIN_MIN 6 /* §4.3.1 */

/* The card is in a transaction while a human types on its reader's keypad: for that long, and a
 * little more for the reader and the card. */
#define KEYPAD_SECONDS 30
#define KEYPAD_MS      45000

/* A question has been answered, and its answer not been used. */
static bool is_answered(const struct verify_job *job)
{
    return job->pin.data || job->on_keypad;
}

/* It holds the key, and a typed PIN is for the card that the prompt named. */
static bool is_the_right_card(const struct card *card, const struct verify_job *job)
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
static gpg_error_t send_pin(struct card *card, struct verify_job *job)
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

static void await_keypad(struct card *card, const struct verify_job *job, bool waits)
{
    atomic_store(&card->awaits_touch, waits);
    job->requester->keypad(job->requester->context, waits);
}

/* One entry for each prompt, whatever comes of it. */
static gpg_error_t verify_on_keypad(struct card *card, struct verify_job *job)
{
    const struct requester *requester = job->requester;
    const struct keypad_verify what = { .pin_min = PIN_MIN,
                                        .pin_max = card->app.data.pw.pw1_max,
                                        .pin_length = requester->keypad_pin_length,
                                        .seconds = KEYPAD_SECONDS };
    const struct reader_waiter waiter = { .gives_up = requester->is_gone,
                                          .context = requester->context };
    gpg_error_t err;

    job->on_keypad = false;
    card->app.channel.deadline = deadline_in_ms(KEYPAD_MS);
    await_keypad(card, job, true);
    reader_set_waiter(card->reader, &waiter);
    err = openpgp_card_verify_on_keypad(&card->app, PASSWORD_PW1, what);
    reader_set_waiter(card->reader, NULL);
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
static gpg_error_t take_cached_pin(struct card *card, struct verify_job *job)
{
    if (!card->pin.pin.data || card->app.data.pw.pw1_tries < 2)
        return 0;
    job->from_cache = true;
    job->tries_shown = card->app.data.pw.pw1_tries;
    return secret_copy(&job->pin, secret_view(&card->pin.pin));
}

/* A keypad sends what is typed, and never a digest of it. Whether that is wanted has been read by
 * the time that it counts. */
static bool offers_keypad(const struct card *card, const struct verify_job *job)
{
    return !job->no_keypad && !card->kdf.active &&
           reader_has_keypad(card->reader, job->requester->keypad_pin_length);
}

/* One that takes PINs of one length has to be told which. */
static void explain_keypad(const struct card *card, const struct verify_job *job)
{
    if (!job->requester->keypad_pin_length && !reader_has_keypad(card->reader, 0) &&
        reader_has_keypad(card->reader, PIN_MIN))
        log_info("%s: its keypad is used once keypad-pin-length says how long the PIN is",
                 card->reader_name);
}

/* Ends this round in order to ask, unless asking is of no use. What is shown must be remembered:
 * others may use the card meanwhile. */
static gpg_error_t ask_after_this_round(struct card *card, struct verify_job *job,
                                        gpg_error_t previous)
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
    explain_keypad(card, job);
    return 0;
}

static gpg_error_t after_refused_pin(struct card *card, struct verify_job *job)
{
    gpg_error_t err = card_identify(card);

    /* Nobody has just typed a PIN that was kept: there is nothing to blame the human for. */
    if (!err)
        err = ask_after_this_round(card, job, job->from_cache ? 0 : gpg_error(GPG_ERR_BAD_PIN));
    return err;
}

/* The PIN is sent only for tries that were shown, and by the keypad only where one still may. */
static gpg_error_t use_answer(struct card *card, struct verify_job *job)
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

gpg_error_t card_verify(struct card *card, struct verify_job *job)
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
    if (!err && !channel_takes(&card->app.channel, job->data_len))
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

gpg_error_t card_ask_for_pin(struct card *card, struct verify_job *job)
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
