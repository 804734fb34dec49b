#include "ccid/usb_holder.h"

#include "base/text.h"
#include "ccid/processes.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define OF_PROGRAMS "usbfs" /* the driver of an interface that a program has claimed */
#define PATH_LEN    1024    /* what is longer is no file that concerns us */

static bool write_path(char path[PATH_LEN], const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool write_path(char path[PATH_LEN], const char *format, ...)
{
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(path, PATH_LEN, format, args);
    va_end(args);
    return len >= 0 && len < PATH_LEN;
}

static bool read_link(const char *path, char target[PATH_LEN])
{
    ssize_t len = readlink(path, target, PATH_LEN - 1);

    if (len < 0)
        return false;
    target[len] = '\0';
    return true;
}

/* The driver of the interface: where the link goes. */
static bool find_driver(const char *root, const struct usb_place *place, char *driver, size_t size)
{
    char path[PATH_LEN], target[PATH_LEN];
    const char *name;

    if (!write_path(path, "%s/sys/bus/usb/devices/%s:%u.%u/driver", root, place->path,
                    place->configuration, place->interface) ||
        !read_link(path, target))
        return false;
    name = strrchr(target, '/');
    name = name ? name + 1 : target;
    text_escape(view_of(name, strlen(name)), driver, size);
    return true;
}

/* True when the process has the file open. */
static bool has_open(const char *process, const void *what)
{
    char path[PATH_LEN], target[PATH_LEN];
    const char *node = what;
    struct dirent *entry;
    bool found = false;
    DIR *folder;

    folder = write_path(path, "%s/fd", process) ? opendir(path) : NULL;
    if (!folder)
        return false;
    while (!found && (entry = readdir(folder))) {
        found = write_path(path, "%s/fd/%s", process, entry->d_name) && read_link(path, target) &&
                strcmp(target, node) == 0;
    }
    closedir(folder);
    return found;
}

bool usb_holder(const char *root, const struct usb_place *place, char *out, size_t size)
{
    char driver[64], node[PATH_LEN];

    if (!find_driver(root, place, driver, sizeof driver))
        return false;
    if (strcmp(driver, OF_PROGRAMS) != 0) {
        snprintf(out, size, "the kernel's driver %s", driver);
        return true;
    }
    if (!write_path(node, "%s/dev/bus/usb/%03u/%03u", root, place->bus, place->address) ||
        !processes_find(root, has_open, node, out, size))
        snprintf(out, size, "another program");
    return true;
}
