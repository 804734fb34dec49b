/* One command to the card and its whole answer, in whatever pieces the card and the reader take it:
 * short or extended length, command chaining, GET RESPONSE, a wrong Le corrected (ISO 7816-4 §5.1,
 * §5.3). */
#pragma once

#include "apdu/iso7816.h"
#include "ccid/reader.h"

struct channel {
    struct reader *reader; /* borrowed */
    struct deadline deadline;
    bool extended;      /* commands and answers of extended length may be used */
    bool refused;       /* extended length failed once, or the reader does not carry it */
    bool chaining;      /* command chaining may be used */
    size_t command_max; /* longest command APDU of extended length; 0: not said */
    size_t answer_len;  /* of the last answer, without its status word */
    unsigned commands;  /* sent so far */
};

struct response {
    uint16_t sw;
    struct buffer data; /* wiped by response_free */
};

#define RESPONSE_DATA_MAX 65536
#define RESPONSE                                                                                   \
    (struct response)                                                                              \
    {                                                                                              \
        .data = BUFFER(RESPONSE_DATA_MAX)                                                          \
    }

void response_free(struct response *response);

/* True when the card has a way to take a command with that many octets of data. */
bool channel_takes(const struct channel *channel, size_t data_len);

/* Extended length is not used any more, whatever the card says of itself. */
void channel_refuse_extended(struct channel *channel);

/* Sends command and collects the answer. A status word is data in the response, not an error;
 * errors are the reader's, GPG_ERR_TOO_LARGE for a command that the card has no way to take,
 * GPG_ERR_CARD for an answer that does not end. When the card refuses extended length but takes
 * chaining, the channel changes over and stays there; so it does when the reader fails with it
 * (GPG_ERR_CARD), for the caller's second try. */
gpg_error_t channel_send(struct channel *channel, const struct command *command,
                         struct response *response);
