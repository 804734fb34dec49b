#include "agent/bus.h"

#include <limits.h>

/* The connection's own next deadline (in µs of the monotonic clock), as one of ours. */
static struct deadline own_deadline(sd_bus *bus)
{
    uint64_t usec;

    if (sd_bus_get_timeout(bus, &usec) < 0 || usec == UINT64_MAX)
        return deadline_never();
    return (struct deadline){ .at_ms = (int64_t)(usec / 1000) + 1 };
}

void bus_wait(sd_bus *bus, struct pollfd *fds, nfds_t count, struct deadline limit)
{
    fds[0] = (struct pollfd){ .fd = -1 };
    if (bus) {
        struct deadline own = own_deadline(bus);
        int events = sd_bus_get_events(bus);

        fds[0].fd = sd_bus_get_fd(bus);
        fds[0].events = (short)(events < 0 ? 0 : events);
        limit = own.at_ms < limit.at_ms ? own : limit;
    }
    (void)poll(fds, count, deadline_poll_ms(limit));
}

int bus_serve(sd_bus *bus)
{
    int rc;

    do
        rc = sd_bus_process(bus, NULL);
    while (rc > 0);
    return rc;
}

const char *bus_error_of(sd_bus_message *reply)
{
    return sd_bus_message_is_method_error(reply, NULL) ? sd_bus_message_get_error(reply)->name
                                                       : NULL;
}
