/* The protocol of vpcd, between a reader that does not exist (we) and a card that does not either:
 * messages of a 16-bit big-endian length and that many octets. Ours of one octet are controls;
 * longer ones are command APDUs, each answered by one message. GET_ATR alone of the controls has an
 * answer, the ATR. */
#pragma once

#include "base/bytes.h"
#include "base/deadline.h"

enum vpcd_control { VPCD_OFF = 0, VPCD_ON = 1, VPCD_RESET = 2, VPCD_GET_ATR = 4 };

#define VPCD_HEADER      2
#define VPCD_PAYLOAD_MAX 65535

/* A message that arrives in pieces. Zero-initialise. */
struct vpcd_message {
    uint8_t header[VPCD_HEADER];
    size_t got; /* octets of header and payload */
};

/* Where the next octets belong and how many are missing there; none when the message is complete.
 * Never reaches into the next message. GPG_ERR_TOO_LARGE when the message claims more than
 * payload->max, GPG_ERR_ENOMEM; payload must be empty at first. */
gpg_error_t vpcd_message_next(struct vpcd_message *message, struct buffer *payload, uint8_t **where,
                              size_t *missing);

/* n octets, at most `missing`, were written to `where`. */
void vpcd_message_took(struct vpcd_message *message, struct buffer *payload, size_t n);

/* Both on a non-blocking stream socket. GPG_ERR_CARD_REMOVED when the peer has gone,
 * GPG_ERR_TIMEOUT; after either, and after TOO_LARGE, the stream is out of step. */
gpg_error_t vpcd_send(int fd, struct view payload, struct deadline deadline);
gpg_error_t vpcd_receive(int fd, struct buffer *payload, struct deadline deadline);
