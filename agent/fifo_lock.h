/* A lock that serves its waiters in the order in which they came. */
#pragma once

#include <pthread.h>
#include <stdbool.h>

struct fifo_waiter;

struct fifo_lock {
    pthread_mutex_t mutex;
    bool taken;
    struct fifo_waiter *first, **last;
};

void fifo_lock_init(struct fifo_lock *lock);
void fifo_lock_destroy(struct fifo_lock *lock);

void fifo_lock_take(struct fifo_lock *lock);

/* Takes it if nobody has it. */
bool fifo_lock_try(struct fifo_lock *lock);
void fifo_lock_pass_on(struct fifo_lock *lock);
