#include "agent/fifo_lock.h"

/* Lives on the waiter's stack while it waits. Each has a condition of its own, so that passing the
 * lock on wakes one thread and not all. */
struct fifo_waiter {
    pthread_cond_t granted_cond;
    bool granted;
    struct fifo_waiter *next;
};

void fifo_lock_init(struct fifo_lock *lock)
{
    pthread_mutex_init(&lock->mutex, NULL);
    lock->taken = false;
    lock->first = NULL;
    lock->last = &lock->first;
}

void fifo_lock_destroy(struct fifo_lock *lock)
{
    pthread_mutex_destroy(&lock->mutex);
}

bool fifo_lock_try(struct fifo_lock *lock)
{
    bool free_now;

    pthread_mutex_lock(&lock->mutex);
    free_now = !lock->taken;
    lock->taken = true;
    pthread_mutex_unlock(&lock->mutex);
    return free_now;
}

void fifo_lock_take(struct fifo_lock *lock)
{
    struct fifo_waiter self = { .granted = false };

    pthread_mutex_lock(&lock->mutex);
    if (!lock->taken) {
        lock->taken = true;
        pthread_mutex_unlock(&lock->mutex);
        return;
    }
    pthread_cond_init(&self.granted_cond, NULL);
    *lock->last = &self;
    lock->last = &self.next;
    while (!self.granted)
        pthread_cond_wait(&self.granted_cond, &lock->mutex);
    pthread_mutex_unlock(&lock->mutex);
    pthread_cond_destroy(&self.granted_cond);
}

void fifo_lock_pass_on(struct fifo_lock *lock)
{
    struct fifo_waiter *next;

    pthread_mutex_lock(&lock->mutex);
    next = lock->first;
    if (next) {
        /* Stays taken: it is the next one's now. */
        lock->first = next->next;
        if (!lock->first)
            lock->last = &lock->first;
        next->granted = true;
        pthread_cond_signal(&next->granted_cond);
    } else {
        lock->taken = false;
    }
    pthread_mutex_unlock(&lock->mutex);
}
