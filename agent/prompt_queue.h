/* One prompt at a time in the whole process, in the order of asking; and the ways in which a wait
 * for a human ends before its time. A prompt that can wait gives way to those that cannot: it is
 * taken away when one of them comes, and comes after all of them. */
#pragma once

#include "base/deadline.h"

#include <gpg-error.h>

enum prompt_end {
    PROMPT_GOES_ON,
    PROMPT_TIMED_OUT,
    PROMPT_CANCELED,  /* cancel_fd, client_fd */
    PROMPT_DONE,      /* done_fd */
    PROMPT_GIVES_WAY, /* yield_fd */
};

/* What a prompt minds while it waits; a descriptor of -1 is none. Readable and hung up
 * count alike, but for client_fd: what the client sends meanwhile is none of the prompt's
 * business. */
struct prompt_limits {
    struct deadline deadline;
    int client_fd;
    int cancel_fd;
    int done_fd;
    int yield_fd; /* of a prompt that gives way: an eventfd of its own, which the queue writes to */
};

/* Waits until fd is readable or hung up (PROMPT_GOES_ON) or a limit is reached. */
enum prompt_end prompt_wait(const struct prompt_limits *limits, int fd);

/* Waits for one's turn. *end is PROMPT_GOES_ON when it has come: prompt_queue_leave must follow.
 * Otherwise there was none. Errors are those of eventfd. */
gpg_error_t prompt_queue_enter(const struct prompt_limits *limits, enum prompt_end *end);
void prompt_queue_leave(void);
