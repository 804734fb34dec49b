#include "ccid/ccid_port.h"

#define REQUEST_ABORT 0x01 /* CCID 1.1 §5.3.1 */
#define ABORT_MS      300
#define STEP_MS       1000 /* for one answer, however much more time the reader asks for */

static struct deadline step(struct deadline deadline)
{
    struct deadline soon = deadline_in_ms(STEP_MS);

    return soon.at_ms < deadline.at_ms ? soon : deadline;
}

static bool is_gone(gpg_error_t err)
{
    return gpg_err_code(err) == GPG_ERR_CARD_REMOVED;
}

/* What a reader answers at any time; the first of several waits is short, for readers that do not
 * hear the first command they get. */
static gpg_error_t ask_status(struct ccid_port *port, uint8_t slot, struct deadline deadline)
{
    static const int waits_ms[] = { 200, 300, 500 };
    gpg_error_t err = gpg_error(GPG_ERR_CARD);

    for (size_t i = 0; i < sizeof waits_ms / sizeof waits_ms[0]; i++) {
        struct ccid_command command = { .type = CCID_GET_SLOT_STATUS, .slot = slot };
        struct ccid_answer answer;

        err = ccid_port_exchange(port, &command, waits_ms[i], step(deadline), &answer);
        /* "Busy", for one; that there is no card is said in the same way. */
        if (!err && answer.status == CCID_FAILED && answer.icc != CCID_ICC_ABSENT)
            return gpg_error(GPG_ERR_CARD);
        if (!err)
            port->icc = answer.icc;
        if (!err || is_gone(err) || deadline_passed(deadline))
            break;
    }
    return err;
}

/* By the control endpoint and then, with the same number, by the bulk endpoint (§5.3.1). Nobody can
 * give that up. */
gpg_error_t ccid_port_abort(struct ccid_port *port, uint8_t slot, struct deadline deadline)
{
    struct ccid_command command = { .type = CCID_ABORT, .slot = slot };
    uint16_t value = (uint16_t)(port->seq << 8 | slot);
    struct ccid_answer answer;
    gpg_error_t err;

    port->waiter = NULL;
    err = usb_pipe_request(port->pipe, REQUEST_ABORT, value, ABORT_MS);
    if (!is_gone(err)) /* a device that knows no such request stalls it */
        err = ccid_port_exchange(port, &command, ABORT_MS, step(deadline), &answer);
    if (!is_gone(err))
        err = ask_status(port, slot, deadline);
    port->lost = err != 0;
    return err;
}

static gpg_error_t try_clear(struct ccid_port *port, uint8_t slot, struct deadline deadline)
{
    usb_pipe_clear(port->pipe);
    return ccid_port_abort(port, slot, deadline);
}

static gpg_error_t try_renew(struct ccid_port *port, uint8_t slot, struct deadline deadline)
{
    usb_pipe_renew(port->pipe);
    return ask_status(port, slot, deadline);
}

static gpg_error_t try_reset(struct ccid_port *port, uint8_t slot, struct deadline deadline)
{
    gpg_error_t err = gpg_error(GPG_ERR_CARD);

    if (port->may_reset)
        err = usb_pipe_reset(port->pipe);
    return err ? err : ask_status(port, slot, deadline);
}

gpg_error_t ccid_port_recover(struct ccid_port *port, uint8_t slot, struct deadline deadline)
{
    static gpg_error_t (*const means[])(struct ccid_port *, uint8_t,
                                        struct deadline) = { ask_status, ccid_port_abort, try_clear,
                                                             try_renew, try_reset };
    gpg_error_t err = gpg_error(GPG_ERR_CARD);

    for (size_t i = 0; i < sizeof means / sizeof means[0]; i++) {
        if (deadline_passed(deadline))
            return gpg_error(GPG_ERR_TIMEOUT);
        err = means[i](port, slot, deadline);
        if (!err || is_gone(err))
            break;
    }
    port->lost = err != 0;
    /* That one step had no time left is no reason for the whole to have had none. */
    if (gpg_err_code(err) == GPG_ERR_TIMEOUT && !deadline_passed(deadline))
        err = gpg_error(GPG_ERR_CARD);
    return err;
}
