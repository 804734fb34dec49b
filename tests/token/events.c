#include "tests/token/program.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { POLL_SIGNALS, POLL_LINK, POLL_CONTROL, POLL_CLIENTS };

#define POLL_COUNT (POLL_CLIENTS + CONTROL_CLIENTS)

static void toggle(struct program *p)
{
    if (p->inserted)
        insertion_remove(p);
    else
        p->inserted = true; /* the main loop connects */
}

static void handle_signal(struct program *p)
{
    struct signalfd_siginfo info;

    if (read(p->signals, &info, sizeof info) != (ssize_t)sizeof info)
        return;
    switch (info.ssi_signo) {
    case SIGUSR1:
        p->touched = true;
        break;
    case SIGUSR2:
        toggle(p);
        break;
    default:
        p->quit = true;
    }
}

static void fill(const struct program *p, bool with_link, struct pollfd fds[POLL_COUNT])
{
    fds[POLL_SIGNALS] = (struct pollfd){ .fd = p->signals, .events = POLLIN };
    fds[POLL_LINK] = (struct pollfd){ .fd = p->link.fd, .events = with_link ? POLLIN : POLLRDHUP };
    fds[POLL_CONTROL] = (struct pollfd){ .fd = p->control, .events = POLLIN };
    for (size_t i = 0; i < CONTROL_CLIENTS; i++)
        fds[POLL_CLIENTS + i] = (struct pollfd){ .fd = p->clients[i].fd, .events = POLLIN };
}

bool events_wait(struct program *p, struct deadline deadline, bool with_link, bool *hung_up)
{
    struct pollfd fds[POLL_COUNT];
    int link_fd = p->link.fd;

    fill(p, with_link, fds);
    if (poll(fds, POLL_COUNT, deadline_poll_ms(deadline)) <= 0)
        return false;
    if (fds[POLL_SIGNALS].revents)
        handle_signal(p);
    for (size_t i = 0; i < CONTROL_CLIENTS; i++)
        if (fds[POLL_CLIENTS + i].revents)
            control_read(p, &p->clients[i]);
    if (fds[POLL_CONTROL].revents)
        control_accept(p);
    /* A removal just now closed it. */
    if (p->link.fd < 0 || p->link.fd != link_fd)
        return false;
    if (hung_up)
        *hung_up = fds[POLL_LINK].revents & (POLLRDHUP | POLLHUP | POLLERR);
    return with_link && fds[POLL_LINK].revents;
}

bool events_wait_for_touch(void *program)
{
    struct program *p = program;
    struct deadline deadline = deadline_in_ms(p->arguments.touch_timeout_ms);
    unsigned int removals = p->removals;
    bool hung_up = false;

    p->touched = false;
    p->waiting_for_touch = true;
    while (!p->touched && !p->quit && p->removals == removals && !hung_up &&
           !deadline_passed(deadline))
        events_wait(p, deadline, false, &hung_up);
    p->waiting_for_touch = false;
    return p->touched && p->removals == removals;
}
