/* Points in monotonic time. A deadline is passed down by value, so a whole exchange has one. */
#pragma once

#include <gpg-error.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct deadline {
    int64_t at_ms; /* CLOCK_MONOTONIC; INT64_MAX: never */
};

int64_t monotonic_ms(void);

/* As monotonic_ms, but goes on while the machine sleeps: for what must not outlive a night. */
int64_t boottime_ms(void);

struct deadline deadline_in_ms(int64_t ms);
struct deadline deadline_never(void);
bool deadline_passed(struct deadline d);

/* Milliseconds left as poll(2) wants them: -1 for never, 0 when passed. */
int deadline_poll_ms(struct deadline d);

/* As pthread_cond_timedwait wants it; not for "never". */
struct timespec deadline_timespec(struct deadline d);

/* A condition whose waits take deadlines; the error of the system. */
gpg_error_t deadline_cond_init(pthread_cond_t *cond);

/* As pthread_cond_wait; false when the deadline passed. */
bool deadline_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex, struct deadline d);
