#include "tests/unit/fake_clock.h"

#include "base/deadline.h"

#include <stdatomic.h>

#define MS_PER_S  1000
#define NS_PER_MS 1000000

static _Atomic int64_t ahead_ms;

int __real_clock_gettime(clockid_t clock, struct timespec *ts);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ts);
int __real_pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex,
                                  const struct timespec *ts);
int __wrap_pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex,
                                  const struct timespec *ts);

static struct timespec moved(struct timespec ts, int64_t ms)
{
    int64_t total = (int64_t)ts.tv_sec * MS_PER_S + ts.tv_nsec / NS_PER_MS + ms;

    if (total < 0)
        total = 0;
    return (struct timespec){ .tv_sec = (time_t)(total / MS_PER_S),
                              .tv_nsec = total % MS_PER_S * NS_PER_MS + ts.tv_nsec % NS_PER_MS };
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *ts)
{
    int result = __real_clock_gettime(clock, ts);

    if (result == 0 && (clock == CLOCK_MONOTONIC || clock == CLOCK_BOOTTIME))
        *ts = moved(*ts, atomic_load(&ahead_ms));
    return result;
}

int __wrap_pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex,
                                  const struct timespec *ts)
{
    struct timespec real = moved(*ts, -atomic_load(&ahead_ms));

    return __real_pthread_cond_timedwait(cond, mutex, &real);
}

void fake_clock_jump_to(int64_t ms)
{
    int64_t now = monotonic_ms();

    if (ms > now)
        atomic_fetch_add(&ahead_ms, ms - now);
}
