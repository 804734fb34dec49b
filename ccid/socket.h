/* The two halves of the socket back end: the listener (socket.c) and those who are connected to its
 * card (socket_reader.c). */
#pragma once

#include "ccid/backend.h"
#include "ccid/socket_address.h"
#include "ccid/socket_card.h"

#include <sys/stat.h>

struct socket_readers {
    struct readers base;
    struct socket_address address;
    char name[READER_NAME_MAX];
    int listener;
    int kick;        /* eventfd: the waiter looks again */
    struct stat own; /* the socket file, ours to remove */

    pthread_mutex_t mutex; /* of all below, and of the card's first part */
    pthread_cond_t
        let_go; /* the holder let go of the card, the card is gone, the waiter has left */
    struct socket_card *card;
    uint32_t insertions;
    uint32_t changes;
    uint32_t listed; /* `changes` at the last list */
    bool woken;
    bool closed;
    bool waiting;
    struct deadline accept_after;
};

/* The card that is in now, with a reference for the caller; NULL without one. */
struct socket_card *socket_readers_card(struct socket_readers *readers);
void socket_readers_unref(struct socket_readers *readers, struct socket_card *card);

/* Drops the connection to the card; `why` is for the log. */
void socket_readers_remove(struct socket_readers *readers, struct socket_card *card,
                           const char *why);

gpg_error_t socket_connect(struct readers *readers, const char *name, struct deadline deadline,
                           struct reader **r_reader);
void socket_disconnect(struct reader *reader);
gpg_error_t socket_begin(struct reader *reader, struct deadline deadline);
void socket_end(struct reader *reader);
gpg_error_t socket_transmit(struct reader *reader, struct view command, struct buffer *answer,
                            struct deadline deadline);
gpg_error_t socket_reset(struct reader *reader, struct deadline deadline);
