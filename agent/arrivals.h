/* Waiting for cards to come: each who waits has a descriptor that an insertion makes readable. */
#pragma once

#include <gpg-error.h>
#include <pthread.h>
#include <stdbool.h>

struct arrival {
    struct arrival *next;
    int fd; /* readable once a card came since the last arrival_take */
};

struct arrivals {
    pthread_mutex_t mutex; /* guards the list */
    struct arrival *first;
};

void arrivals_init(struct arrivals *arrivals);
void arrivals_destroy(struct arrivals *arrivals);

/* A card came. */
void arrivals_tell(struct arrivals *arrivals);

/* From now on; the error of eventfd. arrivals_unwatch must follow success. */
gpg_error_t arrivals_watch(struct arrivals *arrivals, struct arrival *arrival);
void arrivals_unwatch(struct arrivals *arrivals, struct arrival *arrival);

/* True, once, when a card came. */
bool arrival_take(struct arrival *arrival);
