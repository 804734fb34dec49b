#include "ccid/pcsc_service.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#define SOCKET_VARIABLE "PCSCLITE_CSOCK_NAME"
#define SOCKET_PATH     "/run/pcscd/pcscd.comm"

/* Without inotify (its instances are counted per user) there is nothing left but to ask. */
#define ASK_AGAIN_MS 5000

#define FOLDER_EVENTS (IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)
/* A service binds, listens and then changes the mode: the last of it is what counts. */
#define SOCKET_EVENTS (FOLDER_EVENTS | IN_ATTRIB)

void pcsc_service_init(struct pcsc_service *service)
{
    const char *path = getenv(SOCKET_VARIABLE);

    if (!path || path[0] != '/' || strlen(path) >= sizeof service->path)
        path = SOCKET_PATH;
    *service = (struct pcsc_service){ .inotify = -1 };
    snprintf(service->path, sizeof service->path, "%s", path);
}

/* Watches the folder of `path`, cut there, or the nearest above that exists. */
static bool watch_nearest(struct pcsc_service *service, char *path)
{
    uint32_t events = SOCKET_EVENTS;

    for (;;) {
        char *slash = strrchr(path, '/');

        if (!slash)
            return false;
        snprintf(service->awaited, sizeof service->awaited, "%s", slash + 1);
        *slash = '\0';
        if (inotify_add_watch(service->inotify, path[0] ? path : "/", events) >= 0)
            return true;
        if (errno != ENOENT && errno != ENOTDIR && errno != EACCES)
            return false;
        events = FOLDER_EVENTS;
    }
}

void pcsc_service_watch(struct pcsc_service *service)
{
    char path[PCSC_SOCKET_PATH_MAX];

    pcsc_service_unwatch(service);
    service->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    memcpy(path, service->path, sizeof path);
    if (service->inotify >= 0 && !watch_nearest(service, path))
        pcsc_service_unwatch(service);
}

void pcsc_service_unwatch(struct pcsc_service *service)
{
    if (service->inotify >= 0)
        close(service->inotify);
    service->inotify = -1;
}

bool pcsc_service_has_socket(const struct pcsc_service *service)
{
    return access(service->path, F_OK) == 0;
}

/* Reads what is there; true if any of it may concern the socket. */
static bool concerns_us(const struct pcsc_service *service)
{
    char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
    ssize_t len = read(service->inotify, events, sizeof events);
    size_t size;

    for (ssize_t at = 0; at < len; at += (ssize_t)size) {
        struct inotify_event event;

        memcpy(&event, events + at, sizeof event);
        size = sizeof event + event.len;
        if (event.len == 0 || strcmp(events + at + sizeof event, service->awaited) == 0)
            return true; /* without a name: about the folder itself, or too many to count */
    }
    return false;
}

void pcsc_service_wait(const struct pcsc_service *service, int kick)
{
    struct pollfd pollfds[2] = {
        { .fd = kick, .events = POLLIN },
        { .fd = service->inotify, .events = POLLIN },
    };

    do
        poll(pollfds, 2, service->inotify < 0 ? ASK_AGAIN_MS : -1);
    while (service->inotify >= 0 && !pollfds[0].revents && !concerns_us(service));
}
