#include "agent/pin.h"

#include "agent/inquiry.h"
#include "agent/peer.h"
#include "agent/pin_prompt.h"
#include "agent/pinentry.h"
#include "agent/watch.h"
#include "base/log.h"

#include <string.h>
#include <sys/socket.h>

/* Octets of a PIN that a client may send by loopback, as gpg-agent has it. */
#define LOOPBACK_PIN_MAX 255

static struct pinentry_request request_for(struct session *session)
{
    struct pinentry_request request = PINENTRY_REQUEST;

    request.program = session->agent->config->pinentry;
    request.title = "Cardea";
    request.options = &session->options;
    request.owner_pid = session->peer_pid;
    request.owner_uid = session->peer_uid;
    request.timeout_seconds = session->agent->config->pinentry_timeout;
    request.client_fd = session->fd;
    request.cancel_fd = session->agent->stop_fd;
    return request;
}

gpg_error_t pin_confirm(struct session *session, const char *description, const char *ok)
{
    struct pinentry_request request = request_for(session);

    request.description = description;
    request.ok = ok;
    return pinentry_confirm(&request);
}

gpg_error_t pin_ask_insertion(struct session *session, const char *description, int done_fd,
                              int timeout_seconds)
{
    struct pinentry_request request = request_for(session);

    request.description = description;
    request.ok = "It is inserted";
    request.done_fd = done_fd;
    request.timeout_seconds = timeout_seconds;
    request.gives_way = true;
    return pinentry_confirm(&request);
}

static gpg_error_t confirm_last_try(struct session *session, const struct pin_question *question,
                                    const char *description)
{
    struct pinentry_request request = request_for(session);

    request.description = description;
    request.ok = "Use the last try";
    request.done_fd = question->gone_fd;
    return pinentry_confirm(&request);
}

/* Before the keypad is listened to, and while the card is still free for others: whoever types
 * there has seen for which token. */
static gpg_error_t confirm_keypad(struct pinentry_request *request, const struct pin_prompt *prompt)
{
    request->description = prompt->keypad;
    request->ok = "Enter it on the keypad";
    return pinentry_confirm(request);
}

static gpg_error_t ask_human(struct session *session, struct pin_question question,
                             struct secret *pin)
{
    struct pinentry_request request = request_for(session);
    struct pin_prompt prompt;
    gpg_error_t err = 0;
    char peer[PEER_WORDS_MAX];

    question.keypad = question.keypad && session->agent->config->keypad;
    pin_prompt_write(&question, peer_describe(session->peer_pid, peer, sizeof peer), &prompt);
    if (*prompt.confirm)
        err = confirm_last_try(session, &question, prompt.confirm);
    if (err)
        return err;
    request.done_fd = question.gone_fd;
    if (*prompt.keypad)
        return confirm_keypad(&request, &prompt);
    request.description = prompt.description;
    request.error = *prompt.error ? prompt.error : NULL;
    request.prompt = "PIN";
    request.pin_min = question.pin_min;
    request.pin_max = question.pin_max;
    return pinentry_get_pin(&request, pin);
}

/* The card waits for the client, and other clients for the card: not for longer than for a human.
 * The connection is shut down for reading only, so that the client still hears why. */
static gpg_error_t read_client_pin(struct session *session, struct buffer *answer)
{
    const int64_t ms = (int64_t)session->agent->config->pinentry_timeout * 1000;
    const struct prompt_limits limits = { .deadline = deadline_in_ms(ms),
                                          .client_fd = -1,
                                          .cancel_fd = session->agent->stop_fd,
                                          .done_fd = -1,
                                          .yield_fd = -1 };
    enum prompt_end end;
    struct watch watch;
    gpg_error_t err = watch_start(&watch, &limits, session->fd, SHUT_RD);

    if (err)
        return err;
    assuan_begin_confidential(session->assuan);
    err = inquiry_read(session->assuan, "PASSPHRASE", answer);
    assuan_end_confidential(session->assuan);
    end = watch_stop(&watch);
    if (end == PROMPT_TIMED_OUT)
        return gpg_error(GPG_ERR_TIMEOUT);
    if (end != PROMPT_GOES_ON || gpg_err_code(err) == GPG_ERR_ASS_CANCELED)
        return gpg_error(GPG_ERR_CANCELED);
    return err;
}

/* The client's word is no typing hand: a wrong PIN is not asked for again, and the last try is not
 * spent on it. */
static gpg_error_t ask_client(struct session *session, const struct pin_question *question,
                              struct secret *pin)
{
    struct buffer answer = BUFFER(LOOPBACK_PIN_MAX);
    gpg_error_t err;
    size_t len;

    if (question->previous)
        return question->previous;
    if (question->tries_left == 1) {
        log_warning("the last try of the PIN is not spent by loopback: use a pinentry");
        return gpg_error(GPG_ERR_NOT_CONFIRMED);
    }
    err = read_client_pin(session, &answer);
    if (!err) {
        len = answer.len ? strnlen((char *)answer.data, answer.len) : 0;
        if (len < question->pin_min || len > question->pin_max)
            err = gpg_error(GPG_ERR_BAD_PIN);
        else
            err = secret_copy(pin, view_of(answer.data, len));
    }
    buffer_free(&answer);
    return err;
}

gpg_error_t pin_ask(struct session *session, const struct pin_question *question,
                    struct secret *pin)
{
    switch (session->pin_mode) {
    case PIN_CANCEL:
        return gpg_error(GPG_ERR_CANCELED);
    case PIN_ERROR:
        return gpg_error(GPG_ERR_NO_PIN_ENTRY);
    case PIN_LOOPBACK:
        return ask_client(session, question, pin);
    default:
        return ask_human(session, *question, pin);
    }
}
