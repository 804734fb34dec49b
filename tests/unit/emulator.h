/* A card emulator in a thread, speaking vpcd's protocol to a socket back end. What it does with a
 * command is in the command's second octet, so that each test can say what it wants. */
#pragma once

#include "base/bytes.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

enum act {
    ACT_ECHO,      /* the command, then 9000 */
    ACT_LENGTH,    /* an answer of as many octets as P1 P2 say */
    ACT_CLAIM,     /* a header with the length P1 P2, then nothing */
    ACT_TRUNCATE,  /* a header with the length P1 P2, then one octet, then the end */
    ACT_CLOSE,     /* no answer, the end */
    ACT_SILENT,    /* no answer */
    ACT_DRIP,      /* the echo, octet by octet */
    ACT_SPLIT,     /* the echo, length and payload in two sends */
    ACT_TWICE,     /* the echo, twice */
    ACT_LATE,      /* the echo, after as many milliseconds as P1 P2 say */
    ACT_ECHO_CLOSE /* the echo, then the end */
};

#define COUNT_MAX SIZE_MAX

struct emulator {
    int fd;
    pthread_t thread;
    size_t send_limit; /* closes once it has sent, or received, so many octets */
    size_t receive_limit;
    size_t sent;
    size_t received;
    struct view atr;
    atomic_int tid;
    atomic_uint powered, reset, commands;
};

/* Connects and starts to serve. Insertion. */
void emulator_start(struct emulator *emulator, const struct sockaddr *address, socklen_t len);
/* The same with limits. */
void emulator_start_limited(struct emulator *emulator, const struct sockaddr *address,
                            socklen_t len, size_t send_limit, size_t receive_limit);
/* Closes if it has not already, and waits for the thread. Removal. */
void emulator_stop(struct emulator *emulator);
