/* Minds the limits of a wait that only reads: libassuan reads until a line is whole, however long
 * that takes. A thread looks at the limits meanwhile, and shuts the connection down at the first
 * that is reached. */
#pragma once

#include "agent/prompt_queue.h"

#include <pthread.h>

struct watch {
    const struct prompt_limits *limits;
    int fd;      /* a duplicate: libassuan closes its own when it likes */
    int how;     /* of shutdown */
    int stop_fd; /* an eventfd */
    enum prompt_end end;
    pthread_t thread;
};

/* Watches over reads from fd until watch_stop; `how` is SHUT_RD or SHUT_RDWR. The limits outlive
 * the watch. */
gpg_error_t watch_start(struct watch *w, const struct prompt_limits *limits, int fd, int how);

/* PROMPT_GOES_ON when no limit was reached. */
enum prompt_end watch_stop(struct watch *w);
