/* Waiting for cards to come, or to come free: each who waits has a descriptor that an insertion, or
 * the end of another program's hold on a reader, makes readable. */
#pragma once

#include <gpg-error.h>
#include <pthread.h>
#include <stdbool.h>

struct arrival {
    struct arrival *next;
    int fd; /* readable once arrivals_tell was called since the last arrival_take */
};

struct arrivals {
    pthread_mutex_t mutex; /* guards the list */
    struct arrival *first;
};

void arrivals_init(struct arrivals *arrivals);
void arrivals_destroy(struct arrivals *arrivals);

/* A card came, or came free. */
void arrivals_tell(struct arrivals *arrivals);

/* From now on; the error of eventfd. arrivals_unwatch must follow success. */
gpg_error_t arrivals_watch(struct arrivals *arrivals, struct arrival *arrival);
void arrivals_unwatch(struct arrivals *arrivals, struct arrival *arrival);

/* True, once, when one did. */
bool arrival_take(struct arrival *arrival);
