/* Descriptors as the sources, sinks and holdings of message/. */
#pragma once

#include "message/holding.h"

/* Reads a descriptor by pieces. Zero-initialise but for fd; free with fd_source_free. */
struct fd_source {
    int fd;
    uint8_t *piece;                                /* PIECE_OCTETS */
    uint64_t octets;                               /* read so far */
    bool (*go_on)(void *context, uint64_t octets); /* NULL: always */
    void *context;
};

struct source fd_source(struct fd_source *from);
void fd_source_free(struct fd_source *from);

/* Writes all. GPG_ERR_CANCELED when a signal came and go_on says that it was meant for us; NULL:
 * never. */
gpg_error_t fd_write(int fd, struct view piece, bool (*go_on)(void *context), void *context);

/* A regular file without a name, still empty: nobody else sees what is written to it. */
bool fd_is_unseen(int fd);

/* Holds in memory up to `max` octets and, past them, in an unlinked file of `folder`.
 * Zero-initialise with FD_HOLDING; free with fd_holding_free. */
struct fd_holding {
    const char *folder;
    struct memory_holding memory;
    int fd; /* -1: everything is in memory */
    struct fd_source replay;
    bool failed; /* what append returned was an error of the file */
};

#define FD_HOLDING(where, cap)                                                                     \
    ((struct fd_holding){                                                                          \
        .folder = (where), .memory = MEMORY_HOLDING(cap), .fd = -1, .replay.fd = -1 })

struct holding fd_holding(struct fd_holding *holding);
void fd_holding_free(struct fd_holding *holding);
