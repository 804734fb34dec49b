/* VERIFY with a PIN that is typed at the reader: PC_to_RDR_Secure, CCID 1.1 §6.1.11. */
#include "ccid/ccid_slot.h"

#include "base/log.h"

#define ESCAPE_MS  3000
#define SLACK_MS   10000 /* for the reader to notice that its time is over, and for the card */
#define BODY_MAX   64
#define GIVE_UP_MS 1000

static gpg_error_t prepare(struct ccid_slot *slot, const struct ccid_keypad *keypad,
                           struct deadline deadline)
{
    struct ccid_command command = { .type = CCID_ESCAPE, .data = keypad->escape };
    struct ccid_answer answer;
    gpg_error_t err;

    if (!keypad->escape.len)
        return 0;
    err = ccid_slot_command(slot, &command, ESCAPE_MS, deadline, &answer);
    return ccid_slot_refused(err, &answer) ? gpg_error(GPG_ERR_NOT_SUPPORTED) : err;
}

static gpg_error_t keypad_error(gpg_error_t err, const struct ccid_answer *answer)
{
    if (gpg_err_code(err) != GPG_ERR_CARD || answer->status != CCID_FAILED)
        return err;
    if (answer->error == CCID_ERROR_PIN_CANCELLED)
        return gpg_error(GPG_ERR_CANCELED);
    if (answer->error == CCID_ERROR_PIN_TIMEOUT)
        return gpg_error(GPG_ERR_NO_PIN);
    return ccid_slot_refused(err, answer) ? gpg_error(GPG_ERR_NOT_SUPPORTED) : err;
}

static gpg_error_t send(struct ccid_slot *slot, struct ccid_command *command, int seconds,
                        struct buffer *answer, struct deadline deadline)
{
    struct ccid_answer received;
    gpg_error_t err = keypad_error(
        ccid_slot_command(slot, command, seconds * 1000 + SLACK_MS, deadline, &received),
        &received);

    if (err)
        return err;
    if (slot->descriptor->level == CCID_TPDU)
        return t1_take_answer(&slot->t1, received.data, answer);
    if (received.specific != CCID_WHOLE)
        return gpg_error(GPG_ERR_CARD);
    return buffer_append_view(answer, received.data);
}

static gpg_error_t verify_on_keypad(struct ccid_slot *slot, const struct ccid_keypad *keypad,
                                    const struct keypad_verify *verify, struct buffer *answer,
                                    struct deadline deadline)
{
    bool blocks = slot->descriptor->level == CCID_TPDU;
    struct ccid_command command = { .type = keypad->message };
    struct buffer body = BUFFER(BODY_MAX);
    uint8_t prologue[2];
    gpg_error_t err;

    if (!slot->ready)
        return gpg_error(GPG_ERR_CARD);
    t1_prologue(&slot->t1, prologue);
    err = ccid_keypad_encode(keypad, verify, blocks ? prologue : NULL, &body);
    command.data = buffer_view(&body);
    if (!err && body.len > slot->descriptor->max_message - CCID_HEADER_LEN)
        err = gpg_error(GPG_ERR_NOT_SUPPORTED);
    if (!err)
        err = prepare(slot, keypad, deadline);
    if (!err)
        err = send(slot, &command, verify->seconds, answer, deadline);
    buffer_free(&body);
    return err;
}

/* The keypad may still wait for fingers, and nobody for it. */
static bool is_left_alone(const struct ccid_slot *slot, gpg_error_t err)
{
    gpg_err_code_t code = gpg_err_code(err);

    return slot->ready && slot->port->lost &&
           (code == GPG_ERR_CANCELED || code == GPG_ERR_TIMEOUT || code == GPG_ERR_CARD);
}

/* So that nobody types into a void; and the card, which may just have got a PIN, wants a reset. */
static gpg_error_t give_up(struct ccid_slot *slot, gpg_error_t why)
{
    gpg_error_t err = ccid_port_abort(slot->port, slot->index, deadline_in_ms(GIVE_UP_MS));

    log_debug("CCID: the keypad is told to stop: %s", gpg_strerror(err));
    return gpg_err_code(why) == GPG_ERR_CANCELED ? gpg_error(GPG_ERR_CARD) : why;
}

gpg_error_t ccid_slot_verify_on_keypad(struct ccid_slot *slot, const struct ccid_keypad *keypad,
                                       const struct keypad_verify *verify, struct buffer *answer,
                                       struct deadline deadline)
{
    gpg_error_t err = verify_on_keypad(slot, keypad, verify, answer, deadline);

    /* When the human says no at the reader, that stays in step. */
    if (is_left_alone(slot, err))
        err = give_up(slot, err);
    switch (gpg_err_code(err)) {
    case 0:
    case GPG_ERR_CANCELED:
    case GPG_ERR_NO_PIN:
    case GPG_ERR_NOT_SUPPORTED:
        break; /* the card is as it was, or has verified */
    default:
        slot->ready = false;
    }
    log_debug("CCID: PIN on the keypad: %s", gpg_strerror(err));
    ccid_port_wipe(slot->port);
    return err;
}
