/* The card emulator at the other end of a connection, shared by everybody who uses it. */
#pragma once

#include "base/bytes.h"
#include "base/deadline.h"
#include "ccid/reader.h"

#include <pthread.h>

struct socket_card {
    int fd;
    uint32_t insertion;

    /* Guarded by the mutex of the readers that the card is in. */
    unsigned references;
    bool gone;          /* nothing more is sent or received */
    const void *holder; /* who exchanges messages now, or has begun a transaction */

    /* Guarded by being the holder. */
    bool powered;
    unsigned resets;
    uint8_t atr[READER_ATR_MAX];
    size_t atr_len;
};

/* All by the holder, without the mutex. An error other than GPG_ERR_CARD leaves the stream out of
 * step: the connection must go. */
gpg_error_t socket_card_power(struct socket_card *card, struct deadline deadline);
gpg_error_t socket_card_reset(struct socket_card *card, struct deadline deadline);
gpg_error_t socket_card_exchange(struct socket_card *card, struct view command,
                                 struct buffer *answer, struct deadline deadline);
