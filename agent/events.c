#include "agent/events.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

struct event_watcher {
    struct events *events;
    struct event_watcher *next;
    unsigned kinds;
    int fd; /* an eventfd; readable while count > 0 */
    struct event waiting[EVENTS_WAITING];
    size_t first, count;
    unsigned long lost;
};

struct events {
    pthread_mutex_t mutex; /* guards all, and the watchers */
    struct event_watcher *watchers;
    unsigned long requests;
};

gpg_error_t events_new(struct events **r_events)
{
    struct events *events = calloc(1, sizeof *events);

    if (!events)
        return gpg_error(GPG_ERR_ENOMEM);
    pthread_mutex_init(&events->mutex, NULL);
    *r_events = events;
    return 0;
}

void events_free(struct events **r_events)
{
    struct events *events = *r_events;

    *r_events = NULL;
    if (!events)
        return;
    pthread_mutex_destroy(&events->mutex);
    free(events);
}

static int64_t wall_clock_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Under the mutex. */
static void deliver(struct event_watcher *watcher, const struct event *event, int64_t at_ms)
{
    struct event *place;

    if (watcher->count == EVENTS_WAITING) {
        watcher->lost++;
        return;
    }
    place = &watcher->waiting[(watcher->first + watcher->count) % EVENTS_WAITING];
    *place = *event;
    place->at_ms = at_ms;
    watcher->count++;
    eventfd_write(watcher->fd, 1);
}

void events_publish(struct events *events, const struct event *event)
{
    int64_t at_ms = wall_clock_ms();

    pthread_mutex_lock(&events->mutex);
    for (struct event_watcher *w = events->watchers; w; w = w->next) {
        if (w->kinds & EVENT_MASK(event->kind))
            deliver(w, event, at_ms);
    }
    pthread_mutex_unlock(&events->mutex);
}

unsigned long events_next_request(struct events *events)
{
    unsigned long number;

    pthread_mutex_lock(&events->mutex);
    number = ++events->requests;
    pthread_mutex_unlock(&events->mutex);
    return number;
}

gpg_error_t events_watch(struct events *events, unsigned kinds, struct event_watcher **r_watcher)
{
    struct event_watcher *watcher = calloc(1, sizeof *watcher);
    gpg_error_t err;

    if (!watcher)
        return gpg_error(GPG_ERR_ENOMEM);
    watcher->events = events;
    watcher->kinds = kinds;
    watcher->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (watcher->fd < 0) {
        err = gpg_error_from_syserror();
        free(watcher);
        return err;
    }
    pthread_mutex_lock(&events->mutex);
    watcher->next = events->watchers;
    events->watchers = watcher;
    pthread_mutex_unlock(&events->mutex);
    *r_watcher = watcher;
    return 0;
}

void events_unwatch(struct event_watcher **r_watcher)
{
    struct event_watcher *watcher = *r_watcher;
    struct event_watcher **link;

    *r_watcher = NULL;
    if (!watcher)
        return;
    pthread_mutex_lock(&watcher->events->mutex);
    for (link = &watcher->events->watchers; *link != watcher; link = &(*link)->next)
        ;
    *link = watcher->next;
    pthread_mutex_unlock(&watcher->events->mutex);
    close(watcher->fd);
    free(watcher);
}

int event_watcher_fd(const struct event_watcher *watcher)
{
    return watcher->fd;
}

bool event_watcher_next(struct event_watcher *watcher, struct event *event, unsigned long *lost)
{
    eventfd_t told;
    bool any;

    pthread_mutex_lock(&watcher->events->mutex);
    any = watcher->count > 0;
    if (any) {
        *event = watcher->waiting[watcher->first];
        watcher->first = (watcher->first + 1) % EVENTS_WAITING;
        watcher->count--;
    }
    if (watcher->count == 0)
        (void)eventfd_read(watcher->fd, &told);
    *lost = watcher->lost;
    watcher->lost = 0;
    pthread_mutex_unlock(&watcher->events->mutex);
    return any;
}
