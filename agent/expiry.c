#include "agent/expiry.h"

#include "base/deadline.h"
#include "base/log.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

struct expiry {
    struct cards *cards;
    struct session_key_cache *session_keys;
    pthread_t thread;
    int timer_fd; /* of the boottime clock: a machine that slept wakes to an expired PIN */
    int wake_fd;
    _Atomic int64_t sleeps_until_ms;
    atomic_bool stopping;
};

/* Ends what is due; returns when the next is. */
static int64_t end_what_is_due(struct expiry *expiry)
{
    int64_t next = session_key_cache_expire(expiry->session_keys, boottime_ms());
    struct card_list list;

    cards_list(expiry->cards, &list);
    for (size_t i = 0; i < list.count; i++) {
        int64_t end = card_pin_end_ms(list.card[i]);

        if (end <= boottime_ms()) {
            log_info("a PIN has been kept long enough and is forgotten");
            card_lock(list.card[i]);
        } else if (end < next) {
            next = end;
        }
    }
    card_list_release(&list);
    return next;
}

static void set_timer(struct expiry *expiry, int64_t at_ms)
{
    struct itimerspec when = { .it_value = { .tv_sec = 0 } };

    if (at_ms != INT64_MAX) {
        when.it_value.tv_sec = (time_t)(at_ms / 1000);
        when.it_value.tv_nsec = (long)(at_ms % 1000) * 1000000;
    }
    timerfd_settime(expiry->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

static void *keep_time(void *arg)
{
    struct expiry *expiry = arg;
    struct pollfd fds[2] = { { .fd = expiry->timer_fd, .events = POLLIN },
                             { .fd = expiry->wake_fd, .events = POLLIN } };
    uint64_t count;

    while (!atomic_load(&expiry->stopping)) {
        int64_t next;

        /* Whatever is noted between this and the sleep wakes: wake_fd stays readable. */
        atomic_store(&expiry->sleeps_until_ms, INT64_MAX);
        next = end_what_is_due(expiry);
        atomic_store(&expiry->sleeps_until_ms, next);
        set_timer(expiry, next);
        poll(fds, 2, -1);
        if (fds[1].revents)
            (void)!read(expiry->wake_fd, &count, sizeof count);
    }
    return NULL;
}

static void release(struct expiry *expiry)
{
    if (expiry->timer_fd >= 0)
        close(expiry->timer_fd);
    if (expiry->wake_fd >= 0)
        close(expiry->wake_fd);
    free(expiry);
}

gpg_error_t expiry_start(struct cards *cards, struct session_key_cache *session_keys,
                         struct expiry **r_expiry)
{
    struct expiry *expiry = calloc(1, sizeof *expiry);

    if (!expiry)
        return gpg_error(GPG_ERR_ENOMEM);
    expiry->cards = cards;
    expiry->session_keys = session_keys;
    atomic_init(&expiry->sleeps_until_ms, INT64_MAX);
    atomic_init(&expiry->stopping, false);
    expiry->timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    expiry->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (expiry->timer_fd < 0 || expiry->wake_fd < 0 ||
        pthread_create(&expiry->thread, NULL, keep_time, expiry)) {
        release(expiry);
        return gpg_error(GPG_ERR_EAGAIN);
    }
    *r_expiry = expiry;
    return 0;
}

static void wake(struct expiry *expiry)
{
    const uint64_t one = 1;

    (void)!write(expiry->wake_fd, &one, sizeof one);
}

void expiry_note(struct expiry *expiry, int64_t end_ms)
{
    if (end_ms < atomic_load(&expiry->sleeps_until_ms))
        wake(expiry);
}

void expiry_stop(struct expiry **r_expiry)
{
    struct expiry *expiry = *r_expiry;

    *r_expiry = NULL;
    if (!expiry)
        return;
    atomic_store(&expiry->stopping, true);
    wake(expiry);
    pthread_join(expiry->thread, NULL);
    release(expiry);
}
