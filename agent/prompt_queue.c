#include "agent/prompt_queue.h"

#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct waiter {
    struct waiter *next;
    int turn_fd; /* an eventfd; readable when the turn has come */
    int yield_fd;
    bool served;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool busy;
static int yield_fd = -1; /* of whoever has the turn */
static struct waiter *first;
static struct waiter **last = &first;

enum prompt_end prompt_wait(const struct prompt_limits *limits, int fd)
{
    struct pollfd fds[] = {
        { .fd = limits->cancel_fd, .events = POLLIN | POLLRDHUP },
        { .fd = limits->done_fd, .events = POLLIN | POLLRDHUP },
        { .fd = fd, .events = POLLIN },
        { .fd = limits->client_fd, .events = 0 }, /* POLLHUP and POLLERR come unasked */
        { .fd = limits->yield_fd, .events = POLLIN },
    };

    for (;;) {
        int count = poll(fds, 5, deadline_poll_ms(limits->deadline));

        if (count > 0 && (fds[0].revents || fds[3].revents))
            return PROMPT_CANCELED;
        if (count > 0 && fds[1].revents)
            return PROMPT_DONE;
        if (count > 0 && fds[2].revents)
            return PROMPT_GOES_ON;
        if (count > 0 && fds[4].revents)
            return PROMPT_GIVES_WAY;
        if (deadline_passed(limits->deadline))
            return PROMPT_TIMED_OUT;
    }
}

static void append(struct waiter *w)
{
    *last = w;
    last = &w->next;
}

static void remove_waiter(struct waiter *w)
{
    struct waiter **at = &first;

    while (*at != w)
        at = &(*at)->next;
    *at = w->next;
    if (last == &w->next)
        last = at;
}

/* Those that give way come last. */
static struct waiter *next_waiter(void)
{
    for (struct waiter *w = first; w; w = w->next) {
        if (w->yield_fd < 0)
            return w;
    }
    return first;
}

static void pass_on(void)
{
    struct waiter *w = next_waiter();

    yield_fd = w ? w->yield_fd : -1;
    if (!w) {
        busy = false;
        return;
    }
    remove_waiter(w);
    w->served = true;
    eventfd_write(w->turn_fd, 1);
}

/* The turn may come in the very moment in which the wait ends otherwise; then the next one has it.
 */
static void give_up(struct waiter *w)
{
    pthread_mutex_lock(&lock);
    if (w->served)
        pass_on();
    else
        remove_waiter(w);
    pthread_mutex_unlock(&lock);
}

gpg_error_t prompt_queue_enter(const struct prompt_limits *limits, enum prompt_end *end)
{
    struct waiter w = { .turn_fd = eventfd(0, EFD_CLOEXEC), .yield_fd = limits->yield_fd };
    bool free_now;

    if (w.turn_fd < 0)
        return gpg_error_from_syserror();
    pthread_mutex_lock(&lock);
    free_now = !busy;
    busy = true;
    if (free_now)
        yield_fd = w.yield_fd;
    else
        append(&w);
    if (!free_now && w.yield_fd < 0 && yield_fd >= 0)
        eventfd_write(yield_fd, 1);
    pthread_mutex_unlock(&lock);

    *end = PROMPT_GOES_ON;
    if (!free_now) {
        *end = prompt_wait(limits, w.turn_fd);
        if (*end != PROMPT_GOES_ON)
            give_up(&w);
    }
    /* Whoever serves us writes under the lock; it must be done with the descriptor. */
    pthread_mutex_lock(&lock);
    close(w.turn_fd);
    pthread_mutex_unlock(&lock);
    return 0;
}

void prompt_queue_leave(void)
{
    pthread_mutex_lock(&lock);
    pass_on();
    pthread_mutex_unlock(&lock);
}
