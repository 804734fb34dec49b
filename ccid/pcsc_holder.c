#include "ccid/pcsc_holder.h"

#include "ccid/processes.h"
#include "ccid/unix_sockets.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What pcscd binds, in whichever folder. */
#define SERVICE_SOCKET "/pcscd.comm"

/* The sockets of this machine, and the service that is ours among those of its name. */
struct service {
    struct unix_socket *sockets;
    size_t count;
    const struct unix_socket *ours; /* the service's end of one of our connections */
};

/* The inode of a socket that a process has open, from the link in its folder; 0: something else. */
static uint32_t socket_of(const char *folder, const char *entry)
{
    char path[PATH_MAX], target[64];
    unsigned long inode = 0;
    ssize_t len;

    snprintf(path, sizeof path, "%s/fd/%s", folder, entry);
    len = readlink(path, target, sizeof target - 1);
    if (len <= 0)
        return 0;
    target[len] = '\0';
    if (strncmp(target, "socket:[", 8) == 0)
        inode = strtoul(target + 8, NULL, 10);
    return inode <= UINT32_MAX ? (uint32_t)inode : 0;
}

/* The service's end of a connection, whose other end has this inode. */
static const struct unix_socket *served(const struct service *service, uint32_t inode)
{
    for (size_t i = 0; i < service->count; i++) {
        const struct unix_socket *s = &service->sockets[i];

        if (s->named_for_service && s->peer == inode)
            return s;
    }
    return NULL;
}

static const struct unix_socket *first_connection(const struct service *service, const char *folder)
{
    const struct unix_socket *found = NULL;
    char path[PATH_MAX];
    struct dirent *entry;
    uint32_t inode;
    DIR *descriptors;

    snprintf(path, sizeof path, "%s/fd", folder);
    descriptors = opendir(path);
    if (!descriptors)
        return NULL;
    while (!found && (entry = readdir(descriptors))) {
        inode = socket_of(folder, entry->d_name);
        if (inode)
            found = served(service, inode);
    }
    closedir(descriptors);
    return found;
}

/* Two services may have sockets of one name, each in a file system of its own. */
static bool is_client(const char *folder, const void *what)
{
    const struct service *service = what;
    const struct unix_socket *s = first_connection(service, folder);

    return s && s->file == service->ours->file && s->device == service->ours->device;
}

bool pcsc_holder(char *out, size_t size)
{
    struct service service = { .sockets = NULL };
    bool found = false;

    if (unix_sockets_list(SERVICE_SOCKET, &service.sockets, &service.count))
        return false;
    service.ours = first_connection(&service, "/proc/self");
    if (service.ours)
        found = processes_find("", is_client, &service, out, size) > 0;
    free(service.sockets);
    return found;
}
