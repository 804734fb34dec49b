#include "ccid/ccid_port.h"

#include "base/log.h"

#include <stdlib.h>
#include <string.h>

#define READ_MIN     4096 /* octets that are read at once at least */
#define READ_STEP    1024 /* a multiple of every packet size (USB 3.2 §9.6.6) */
#define WRITE_MS     5000
#define PIECE_MS     1000 /* between two pieces of one message */
#define ZERO_PACKETS 16   /* one after the other, before the reader makes no sense */
#define STALE_MAX    64   /* answers to other commands, before it makes none */

/* A message that fills its packets ends with an empty one; some readers leave that out, and then
 * the transfer ends only by time. So long once, and never again for this reader. */
#define READ_MS 1000

#define ASK_MS 100 /* how often a waiter that may give up is asked */

gpg_error_t ccid_port_init(struct ccid_port *port, struct usb_pipe *pipe, uint32_t max_message)
{
    size_t size = max_message < READ_MIN ? READ_MIN : max_message;

    /* Larger than any message, so that the packet after it is read with it. */
    size = (size / READ_STEP + 2) * READ_STEP;
    *port = (struct ccid_port){
        .pipe = pipe, .lost = true, .in_size = size, .out = BUFFER(CCID_MESSAGE_MAX)
    };
    port->in = malloc(size);
    return port->in ? 0 : gpg_error(GPG_ERR_ENOMEM);
}

void ccid_port_destroy(struct ccid_port *port)
{
    if (port->in)
        ccid_port_wipe(port);
    free(port->in);
    port->in = NULL;
    buffer_free(&port->out);
}

void ccid_port_wipe(struct ccid_port *port)
{
    explicit_bzero(port->in, port->in_len);
    port->in_len = 0;
    buffer_clear(&port->out);
}

static struct view message_read(const struct ccid_port *port)
{
    return view_of(port->in, port->in_len);
}

static bool is_whole(const struct ccid_port *port)
{
    uint64_t len = ccid_message_len(message_read(port));

    return len && len <= port->in_len;
}

/* How much to ask for: all there may be, or no more than what is known to come. */
static size_t wanted(const struct ccid_port *port)
{
    size_t room = port->in_size - port->in_len;
    size_t packet = port->pipe->in_packet;
    uint64_t len = ccid_message_len(message_read(port));
    uint64_t missing = len > port->in_len ? len - port->in_len : 1;
    uint64_t packets = (missing + packet - 1) / packet * packet;

    return port->no_zero_packets && packets < room ? (size_t)packets : room;
}

/* How long to wait: so long for a reader that says nothing, and never past the deadline. */
struct patience {
    int64_t silence_ms;
    struct deadline deadline;
};

static int at_most(struct deadline deadline, int64_t ms)
{
    int left = deadline_poll_ms(deadline);

    return left >= 0 && left < ms ? left : (int)ms;
}

static bool may_give_up(const struct ccid_port *port)
{
    return port->waiter && port->waiter->gives_up;
}

static bool gives_up(const struct ccid_port *port)
{
    return may_give_up(port) && port->waiter->gives_up(port->waiter->context);
}

/* Reads the next piece. GPG_ERR_TIMEOUT when there is no patience left. */
static gpg_error_t read_piece(struct ccid_port *port, struct patience *patience, size_t *len)
{
    int64_t step_ms = may_give_up(port) ? ASK_MS : READ_MS;
    gpg_error_t err;
    bool silent;
    int ms;

    do {
        if (gives_up(port))
            return gpg_error(GPG_ERR_CANCELED);
        ms = at_most(patience->deadline,
                     patience->silence_ms < step_ms ? patience->silence_ms : step_ms);
        err = usb_pipe_read(port->pipe, port->in + port->in_len, wanted(port), ms, len);
        port->in_len += *len;
        silent = gpg_err_code(err) == GPG_ERR_TIMEOUT && *len == 0;
        if (silent)
            patience->silence_ms -= ms;
    } while (silent && ms > 0 && patience->silence_ms > 0);
    if (gpg_err_code(err) != GPG_ERR_TIMEOUT || *len == 0)
        return err;
    if (is_whole(port))
        port->no_zero_packets = true;
    return 0;
}

/* Reads one message, whatever it is. */
static gpg_error_t read_message(struct ccid_port *port, struct patience *patience)
{
    unsigned empty = 0;

    ccid_port_wipe(port);
    while (!is_whole(port)) {
        size_t len;
        gpg_error_t err;

        if (port->in_len == port->in_size || ccid_message_len(message_read(port)) > port->in_size)
            return gpg_error(GPG_ERR_CARD);
        err = read_piece(port, patience, &len);
        if (err)
            return err;
        if (len == 0 && ++empty > ZERO_PACKETS)
            return gpg_error(GPG_ERR_CARD);
        if (len && patience->silence_ms > PIECE_MS)
            patience->silence_ms = PIECE_MS;
    }
    return 0;
}

static bool is_answer_to(const struct ccid_answer *answer, const struct ccid_command *command)
{
    return answer->slot == command->slot && answer->seq == command->seq;
}

/* How long the reader may be silent after that. */
static int64_t extended(const struct ccid_port *port, const struct ccid_answer *extension,
                        int silence_ms)
{
    bool touch = extension->error == CCID_EXTENSION_TOUCH;

    log_debug("CCID: time extension, %s", touch ? "a touch is waited for" : "the card works");
    if (touch && port->waiter && port->waiter->touch_wanted)
        port->waiter->touch_wanted(port->waiter->context);
    return (int64_t)silence_ms * (extension->error && !touch ? extension->error : 1);
}

static gpg_error_t await_answer(struct ccid_port *port, const struct ccid_command *command,
                                int silence_ms, struct deadline deadline,
                                struct ccid_answer *answer)
{
    int64_t wait_ms = silence_ms;

    for (unsigned stale = 0; stale <= STALE_MAX;) {
        struct patience patience = { .silence_ms = wait_ms, .deadline = deadline };
        gpg_error_t err = read_message(port, &patience);

        if (!err)
            err = ccid_answer_parse(message_read(port), answer);
        if (err)
            return err;
        if (!is_answer_to(answer, command)) {
            log_debug("CCID: skipping answer %u of slot %u", answer->seq, answer->slot);
            stale++;
        } else if (answer->status != CCID_TIME_EXTENSION) {
            return 0;
        } else {
            wait_ms = extended(port, answer, silence_ms);
        }
    }
    return gpg_error(GPG_ERR_CARD);
}

/* A command that failed may be answered by the state of the slot instead (§6.1); one that did not
 * fail by nothing but what belongs to it. */
static bool makes_sense(const struct ccid_answer *answer, const struct ccid_command *command)
{
    if (answer->status == CCID_FAILED && answer->type == CCID_SLOT_STATUS)
        return true;
    return answer->status != CCID_STATUS_UNKNOWN &&
           answer->type == ccid_answer_type_of(command->type);
}

/* Errors of pipes as errors of readers (ccid/reader.h). */
static gpg_error_t reader_error(gpg_error_t err, struct deadline deadline)
{
    switch (gpg_err_code(err)) {
    case 0:
    case GPG_ERR_CANCELED:
    case GPG_ERR_CARD_REMOVED:
    case GPG_ERR_ENOMEM:
    case GPG_ERR_TOO_LARGE:
        return err;
    case GPG_ERR_TIMEOUT:
        return deadline_passed(deadline) ? err : gpg_error(GPG_ERR_CARD);
    default:
        return gpg_error(GPG_ERR_CARD);
    }
}

static gpg_error_t send(struct ccid_port *port, struct ccid_command *command, int ms,
                        struct deadline deadline)
{
    gpg_error_t err;

    command->seq = port->seq++;
    buffer_clear(&port->out);
    err = ccid_command_encode(command, &port->out);
    if (!err)
        err = usb_pipe_write(port->pipe, buffer_view(&port->out), at_most(deadline, ms));
    return err;
}

static gpg_error_t exchange(struct ccid_port *port, struct ccid_command *command, int silence_ms,
                            struct deadline deadline, struct ccid_answer *answer)
{
    int write_ms = silence_ms < WRITE_MS ? silence_ms : WRITE_MS;
    gpg_error_t err = send(port, command, write_ms, deadline);

    if (!err)
        err = await_answer(port, command, silence_ms, deadline, answer);
    if (!err && !makes_sense(answer, command))
        err = gpg_error(GPG_ERR_CARD);
    if (err)
        log_debug("CCID: command %02X: %s", command->type, gpg_strerror(err));
    else if (answer->status == CCID_FAILED)
        log_debug("CCID: command %02X failed: %s", command->type, ccid_error_name(answer->error));
    return err;
}

gpg_error_t ccid_port_exchange(struct ccid_port *port, struct ccid_command *command, int silence_ms,
                               struct deadline deadline, struct ccid_answer *answer)
{
    gpg_error_t err = reader_error(exchange(port, command, silence_ms, deadline, answer), deadline);

    port->lost = port->lost || err;
    return err;
}
