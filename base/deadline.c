#include "base/deadline.h"

#include <limits.h>

static int64_t clock_ms(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t monotonic_ms(void)
{
    return clock_ms(CLOCK_MONOTONIC);
}

int64_t boottime_ms(void)
{
    return clock_ms(CLOCK_BOOTTIME);
}

struct deadline deadline_in_ms(int64_t ms)
{
    return (struct deadline){ .at_ms = monotonic_ms() + ms };
}

struct deadline deadline_never(void)
{
    return (struct deadline){ .at_ms = INT64_MAX };
}

bool deadline_passed(struct deadline d)
{
    return d.at_ms != INT64_MAX && monotonic_ms() >= d.at_ms;
}

int deadline_poll_ms(struct deadline d)
{
    int64_t left;

    if (d.at_ms == INT64_MAX)
        return -1;
    left = d.at_ms - monotonic_ms();
    if (left <= 0)
        return 0;
    return left > INT_MAX ? INT_MAX : (int)left;
}

struct timespec deadline_timespec(struct deadline d)
{
    return (struct timespec){ .tv_sec = (time_t)(d.at_ms / 1000),
                              .tv_nsec = (long)(d.at_ms % 1000) * 1000000 };
}

gpg_error_t deadline_cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attributes;
    int error = pthread_condattr_init(&attributes);

    if (error)
        return gpg_error_from_errno(error);
    error = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    if (!error)
        error = pthread_cond_init(cond, &attributes);
    pthread_condattr_destroy(&attributes);
    return error ? gpg_error_from_errno(error) : 0;
}

bool deadline_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex, struct deadline d)
{
    struct timespec at;

    if (d.at_ms == INT64_MAX)
        return pthread_cond_wait(cond, mutex) == 0;
    at = deadline_timespec(d);
    return pthread_cond_timedwait(cond, mutex, &at) == 0;
}
