#include "agent/arrivals.h"

#include <sys/eventfd.h>
#include <unistd.h>

void arrivals_init(struct arrivals *arrivals)
{
    pthread_mutex_init(&arrivals->mutex, NULL);
    arrivals->first = NULL;
}

void arrivals_destroy(struct arrivals *arrivals)
{
    pthread_mutex_destroy(&arrivals->mutex);
}

void arrivals_tell(struct arrivals *arrivals)
{
    pthread_mutex_lock(&arrivals->mutex);
    for (struct arrival *a = arrivals->first; a; a = a->next)
        eventfd_write(a->fd, 1);
    pthread_mutex_unlock(&arrivals->mutex);
}

gpg_error_t arrivals_watch(struct arrivals *arrivals, struct arrival *arrival)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

    if (fd < 0)
        return gpg_error_from_syserror();
    arrival->fd = fd;
    pthread_mutex_lock(&arrivals->mutex);
    arrival->next = arrivals->first;
    arrivals->first = arrival;
    pthread_mutex_unlock(&arrivals->mutex);
    return 0;
}

void arrivals_unwatch(struct arrivals *arrivals, struct arrival *arrival)
{
    struct arrival **link = &arrivals->first;

    pthread_mutex_lock(&arrivals->mutex);
    while (*link != arrival)
        link = &(*link)->next;
    *link = arrival->next;
    pthread_mutex_unlock(&arrivals->mutex);
    close(arrival->fd);
}

bool arrival_take(struct arrival *arrival)
{
    eventfd_t count;

    return eventfd_read(arrival->fd, &count) == 0;
}
