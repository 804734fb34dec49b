/* One CCID interface: a command out, its answer in, whatever the reader puts between the two.
 *
 * Answers to commands of long ago are skipped, time extensions waited out, messages put together
 * from the pieces that USB makes of them. The port is used by one thread at a time. */
#pragma once

#include "base/deadline.h"
#include "ccid/ccid_message.h"
#include "ccid/reader.h"
#include "ccid/usb_pipe.h"

struct ccid_port {
    struct usb_pipe *pipe; /* borrowed */
    bool may_reset;        /* the device is nothing but this interface */
    uint8_t seq;           /* of the next command */
    bool lost;             /* an exchange did not end well: ccid_port_recover comes first */
    enum ccid_icc icc;     /* by ccid_port_recover, of the slot that it asked for */
    const struct reader_waiter *waiter; /* borrowed; NULL: nobody */
    bool no_zero_packets;               /* messages of whole packets have no end of their own */
    struct buffer out;
    uint8_t *in; /* of in_size octets: the last message read */
    size_t in_size, in_len;
};

/* For messages of at most max_message octets, either way. */
gpg_error_t ccid_port_init(struct ccid_port *port, struct usb_pipe *pipe, uint32_t max_message);
void ccid_port_destroy(struct ccid_port *port);

/* Sends the command, with a sequence number of its own, and receives its answer, which may be that
 * it failed; the answer's data is borrowed until the next call. silence_ms is how long the reader
 * may say nothing at all; a time extension begins that anew, n times as long if it says n. On
 * failure the port is lost: GPG_ERR_TIMEOUT when the deadline passed, GPG_ERR_CARD for a reader
 * that is silent or makes no sense, GPG_ERR_CARD_REMOVED, GPG_ERR_CANCELED when the waiter gave
 * up. */
gpg_error_t ccid_port_exchange(struct ccid_port *port, struct ccid_command *command, int silence_ms,
                               struct deadline deadline, struct ccid_answer *answer);

/* ccid_recover.c: ends the command under way (§5.3.1); the port is then not lost. */
gpg_error_t ccid_port_abort(struct ccid_port *port, uint8_t slot, struct deadline deadline);

/* Wipes what the last exchange left in memory. */
void ccid_port_wipe(struct ccid_port *port);

/* ccid_recover.c: brings a reader back in step, by the mildest means that helps: asking for the
 * state of the slot, aborting what it does, clearing the endpoints, setting the interface anew,
 * resetting the device where nothing else lives on it. GPG_ERR_CARD when nothing helps. */
gpg_error_t ccid_port_recover(struct ccid_port *port, uint8_t slot, struct deadline deadline);
