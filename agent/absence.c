#include "agent/absence.h"

#include "agent/card_name.h"
#include "agent/insert_prompt.h"
#include "agent/pin.h"
#include "agent/prompt_queue.h"
#include "base/log.h"

/* A card that is plugged in anew is back after this; nobody is bothered before. */
#define REPLUG_MS 500

/* A program that had the reader for itself a moment ago may be just ending. */
#define HELD_MS 1000

/* Cards that fail one request, each in its turn, before it is given up. */
#define LOSSES_MAX 4

/* Who says that the token is in may be faster than the reader. */
#define SETTLE_MS 1000

gpg_error_t absence_begin(struct absence *absence, struct request *request)
{
    *absence = (struct absence){ .request = request, .held_end = deadline_in_ms(HELD_MS) };
    return arrivals_watch(cards_arrivals(request->session->agent->cards), &absence->arrival);
}

void absence_end(struct absence *absence)
{
    arrivals_unwatch(cards_arrivals(absence->request->session->agent->cards), &absence->arrival);
    card_unref(&absence->lost);
}

/* It is out, or in a reader that is. A card that is pulled in mid-command may seem mute before the
 * reader tells that it is out. */
static bool may_have_left(gpg_error_t err)
{
    switch (gpg_err_code(err)) {
    case GPG_ERR_CARD:
    case GPG_ERR_CARD_REMOVED:
    case GPG_ERR_CARD_NOT_PRESENT:
    case GPG_ERR_NO_SERVICE:
        return true;
    default:
        return false;
    }
}

bool absence_is_loss(struct absence *absence, struct card *card, gpg_error_t err)
{
    gpg_err_code_t code = gpg_err_code(err);

    if (!may_have_left(err) && code != GPG_ERR_LOCKED && code != GPG_ERR_PIN_BLOCKED)
        return false;
    if (++absence->losses > LOSSES_MAX)
        return false;
    card_unref(&absence->lost);
    absence->lost = card_ref(card);
    absence->why = err;
    absence->replug_end = deadline_in_ms(REPLUG_MS);
    return true;
}

/* Until a card comes, the client leaves, the agent stops, or the time is over. */
static enum prompt_end wait_quietly(struct absence *absence, struct deadline deadline)
{
    const struct session *session = absence->request->session;
    const struct prompt_limits limits = { .deadline = deadline,
                                          .client_fd = session->fd,
                                          .cancel_fd = session->agent->stop_fd,
                                          .done_fd = -1,
                                          .yield_fd = -1 };
    enum prompt_end end = prompt_wait(&limits, absence->arrival.fd);

    (void)arrival_take(&absence->arrival);
    return end;
}

/* 0 when a card came in time, else err. */
static gpg_error_t wait_for_replug(struct absence *absence, gpg_error_t err)
{
    if (!absence->replug_end.at_ms)
        absence->replug_end = deadline_in_ms(REPLUG_MS);
    switch (wait_quietly(absence, absence->replug_end)) {
    case PROMPT_GOES_ON:
        return 0;
    case PROMPT_CANCELED:
        return gpg_error(GPG_ERR_CANCELED);
    default:
        return err;
    }
}

static bool is_held(const struct absence *absence, gpg_error_t err)
{
    return gpg_err_code(absence->lost ? absence->why : err) == GPG_ERR_LOCKED &&
           !deadline_passed(absence->held_end);
}

/* The card that was lost to a program may serve again. */
static gpg_error_t wait_for_release(struct absence *absence)
{
    card_unref(&absence->lost);
    if (wait_quietly(absence, absence->held_end) == PROMPT_CANCELED)
        return gpg_error(GPG_ERR_CANCELED);
    return 0;
}

static gpg_error_t after_prompt(struct absence *absence, gpg_error_t err)
{
    switch (gpg_err_code(err)) {
    case 0:
        /* By whom it was ended: by a card, or by a human who says that there is one. */
        absence->again = !arrival_take(&absence->arrival) &&
                         wait_quietly(absence, deadline_in_ms(SETTLE_MS)) == PROMPT_TIMED_OUT;
        return 0;
    case GPG_ERR_CANCELED:
        return err;
    case GPG_ERR_FULLY_CANCELED:
    case GPG_ERR_NOT_CONFIRMED:
        return gpg_error(GPG_ERR_FULLY_CANCELED);
    default: /* there is nobody to answer */
        return gpg_error(GPG_ERR_CARD_NOT_PRESENT);
    }
}

static gpg_error_t show_prompt(struct absence *absence, const struct wanted_tokens *wanted)
{
    struct session *session = absence->request->session;
    int left_ms = deadline_poll_ms(absence->asks_until);
    char text[INSERT_PROMPT_MAX];
    gpg_error_t err;

    if (left_ms == 0)
        return gpg_error(GPG_ERR_CARD_NOT_PRESENT);
    insert_prompt_write(wanted->token, wanted->count, absence->request->event.client,
                        absence->again, text);
    request_insert_wanted(absence->request, &wanted->token[0].facts);
    err = pin_ask_insertion(session, text, absence->arrival.fd, (left_ms + 999) / 1000);
    request_insert_done(absence->request);
    return after_prompt(absence, err);
}

static bool may_ask(const struct session *session)
{
    return session->agent->config->ask_insertion && session->pin_mode == PIN_ASK;
}

static void begin_asking(struct absence *absence, const struct known_token *token)
{
    const struct agent_config *config = absence->request->session->agent->config;
    char name[CARD_NAME_MAX];

    absence->asks = true;
    absence->asks_until = deadline_in_ms((int64_t)config->pinentry_timeout * 1000);
    log_info("%s wants %s, which is not inserted", absence->request->event.client,
             card_name(&token->facts.data, name));
}

gpg_error_t absence_wait(struct absence *absence, gpg_error_t err,
                         const struct wanted_tokens *wanted)
{
    const struct session *session = absence->request->session;

    if (is_held(absence, err))
        return wait_for_release(absence);
    if (arrival_take(&absence->arrival))
        return 0;
    if (absence->lost)
        return may_have_left(absence->why) ? wait_for_replug(absence, absence->why) : absence->why;
    if (gpg_err_code(err) != GPG_ERR_CARD_NOT_PRESENT || !wanted->count || !may_ask(session))
        return err;
    if (!absence->asks) {
        err = wait_for_replug(absence, err);
        if (gpg_err_code(err) != GPG_ERR_CARD_NOT_PRESENT)
            return err;
        begin_asking(absence, &wanted->token[0]);
    }
    return show_prompt(absence, wanted);
}
