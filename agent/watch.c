#include "agent/watch.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

static void *watch_limits(void *arg)
{
    struct watch *w = arg;

    w->end = prompt_wait(w->limits, w->stop_fd);
    if (w->end != PROMPT_GOES_ON)
        shutdown(w->fd, w->how);
    return NULL;
}

gpg_error_t watch_start(struct watch *w, const struct prompt_limits *limits, int fd, int how)
{
    gpg_error_t err = 0;

    *w = (struct watch){ .limits = limits, .how = how };
    w->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    w->stop_fd = eventfd(0, EFD_CLOEXEC);
    if (w->fd < 0 || w->stop_fd < 0)
        err = gpg_error_from_syserror();
    else
        err = gpg_error_from_errno(pthread_create(&w->thread, NULL, watch_limits, w));
    if (err) {
        close(w->fd);
        close(w->stop_fd);
    }
    return err;
}

enum prompt_end watch_stop(struct watch *w)
{
    eventfd_write(w->stop_fd, 1);
    pthread_join(w->thread, NULL);
    close(w->stop_fd);
    close(w->fd);
    return w->end;
}
