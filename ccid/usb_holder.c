#include "ccid/usb_holder.h"

#include "base/text.h"
#include "ccid/processes.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define OF_PROGRAMS "usbfs" /* the driver of an interface that a program has claimed */

static bool read_link(const char *path, char target[PATH_MAX])
{
    ssize_t len = readlink(path, target, PATH_MAX - 1);

    if (len < 0)
        return false;
    target[len] = '\0';
    return true;
}

/* The driver of the interface: where the link goes. */
static bool find_driver(const char *root, const struct usb_place *place, char *driver, size_t size)
{
    char path[PATH_MAX], target[PATH_MAX];
    const char *name;

    snprintf(path, sizeof path, "%s/sys/bus/usb/devices/%s:%u.%u/driver", root, place->path,
             place->configuration, place->interface);
    if (!read_link(path, target))
        return false;
    name = strrchr(target, '/');
    name = name ? name + 1 : target;
    text_escape(view_of(name, strlen(name)), driver, size);
    return true;
}

/* True when the process has the file open. */
static bool has_open(const char *process, const void *what)
{
    const char *node = what;
    char path[PATH_MAX], target[PATH_MAX];
    struct dirent *entry;
    bool found = false;
    DIR *folder;

    snprintf(path, sizeof path, "%s/fd", process);
    folder = opendir(path);
    if (!folder)
        return false;
    while (!found && (entry = readdir(folder))) {
        snprintf(path, sizeof path, "%s/fd/%s", process, entry->d_name);
        found = read_link(path, target) && strcmp(target, node) == 0;
    }
    closedir(folder);
    return found;
}

bool usb_holder(const char *root, const struct usb_place *place, char *out, size_t size)
{
    char driver[64], node[PATH_MAX];

    if (!find_driver(root, place, driver, sizeof driver))
        return false;
    if (strcmp(driver, OF_PROGRAMS) != 0) {
        snprintf(out, size, "the kernel's driver %s", driver);
        return true;
    }
    snprintf(node, sizeof node, "%s/dev/bus/usb/%03u/%03u", root, place->bus, place->address);
    if (!processes_find(root, has_open, node, out, size))
        snprintf(out, size, "another program");
    return true;
}
