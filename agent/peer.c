#include "agent/peer.h"

#include "base/text.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NAME_SHOWN_MAX 32

static size_t read_name(pid_t pid, char *name, size_t size)
{
    char path[40], raw[64];
    ssize_t len;
    int fd;

    snprintf(path, sizeof path, "/proc/%ld/comm", (long)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    len = read(fd, raw, sizeof raw);
    close(fd);
    if (len > 0 && raw[len - 1] == '\n')
        len--;
    if (len <= 0)
        return 0;
    return strlen(text_escape(view_of(raw, (size_t)len), name, size));
}

char *peer_describe(pid_t pid, char *out, size_t size)
{
    char name[NAME_SHOWN_MAX + 1];

    if (read_name(pid, name, sizeof name))
        snprintf(out, size, "%s (process %ld)", name, (long)pid);
    else
        snprintf(out, size, "process %ld", (long)pid);
    return out;
}
