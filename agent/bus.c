#include "agent/bus.h"

#include "base/log.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>

#define LIBRARY "libsystemd.so.0"

struct bus_functions libsystemd;

static bool loaded;

/* ISO C knows no way from the address of an object to that of a function; POSIX has dlsym. */
#define BUS_FIND(name)                                                                             \
    *(void **)&libsystemd.name = dlsym(library, "sd_bus_" #name);                                  \
    complete = complete && libsystemd.name;

static void load(void)
{
    void *library = dlopen(LIBRARY, RTLD_LAZY | RTLD_LOCAL);
    bool complete = library != NULL;

    if (library) {
        BUS_FUNCTIONS(BUS_FIND)
    }
    if (!complete)
        log_info("no word from logind, and no notifications: %s",
                 library ? LIBRARY " is too old" : dlerror());
    loaded = complete;
}

static bool is_loaded(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, load);
    return loaded;
}

int bus_open_system(sd_bus **r_bus)
{
    return is_loaded() ? libsystemd.open_system(r_bus) : -ELIBACC;
}

int bus_open_user(sd_bus **r_bus)
{
    return is_loaded() ? libsystemd.open_user(r_bus) : -ELIBACC;
}

void bus_close(sd_bus **bus)
{
    if (*bus)
        *bus = libsystemd.close_unref(*bus);
}

/* The connection's own next deadline (in µs of the monotonic clock), as one of ours. */
static struct deadline own_deadline(sd_bus *bus)
{
    uint64_t usec;

    if (libsystemd.get_timeout(bus, &usec) < 0 || usec == UINT64_MAX)
        return deadline_never();
    return (struct deadline){ .at_ms = (int64_t)(usec / 1000) + 1 };
}

void bus_wait(sd_bus *bus, struct pollfd *fds, nfds_t count, struct deadline limit)
{
    fds[0] = (struct pollfd){ .fd = -1 };
    if (bus) {
        struct deadline own = own_deadline(bus);
        int events = libsystemd.get_events(bus);

        fds[0].fd = libsystemd.get_fd(bus);
        fds[0].events = (short)(events < 0 ? 0 : events);
        limit = own.at_ms < limit.at_ms ? own : limit;
    }
    (void)poll(fds, count, deadline_poll_ms(limit));
}

int bus_serve(sd_bus *bus)
{
    int rc;

    do
        rc = libsystemd.process(bus, NULL);
    while (rc > 0);
    return rc;
}

const char *bus_error_of(sd_bus_message *reply)
{
    return libsystemd.message_is_method_error(reply, NULL)
               ? libsystemd.message_get_error(reply)->name
               : NULL;
}
