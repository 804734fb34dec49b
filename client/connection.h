/* A connection to the agent, for the other parts of the library. */
#pragma once

#include "base/bytes.h"
#include "client/cardea.h"

#include <assuan.h>
#include <stdatomic.h>

#define CERTIFICATES_OCTETS (64 * 1024) /* as much as the agent takes */

struct cardea {
    assuan_context_t assuan;
    int fd; /* a duplicate of the socket, for cardea_cancel */
    atomic_bool cancelled;
    struct buffer certificates; /* public key packets */
    char held_by[CARDEA_HELD_BY_MAX];
};

/* Prepares what libgcrypt needs, once per process, whichever thread comes first. */
gpg_error_t connection_init_library(void);

/* One exchange. The callbacks are libassuan's and may be NULL. They return 0 and keep their errors
 * for after the call: one that ended the exchange midway would leave the rest for the next. */
struct connection_call {
    gpg_error_t (*data)(void *context, const void *data, size_t len);
    gpg_error_t (*inquiry)(void *context, const char *keyword);
    gpg_error_t (*status)(void *context, const char *line);
    void *context;
};

/* Errors are the agent's, with their source; GPG_ERR_CANCELED after cardea_cancel. */
gpg_error_t connection_call(struct cardea *connection, const char *command,
                            const struct connection_call *call);
