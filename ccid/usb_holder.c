#include "ccid/usb_holder.h"

#include "base/text.h"

#include <ctype.h>
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

/* True if the process, whose folder this is, has the file open. */
static bool has_open(const char *process, const char *node)
{
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

static void name_process(const char *process, const char *pid, char *out, size_t size)
{
    char path[PATH_MAX], comm[64] = "", name[64];
    size_t len = 0;
    FILE *file;

    snprintf(path, sizeof path, "%s/comm", process);
    file = fopen(path, "re");
    if (file) {
        len = fread(comm, 1, sizeof comm, file);
        fclose(file);
    }
    if (len && comm[len - 1] == '\n')
        len--;
    snprintf(out, size, "%s (process %s)",
             len ? text_escape(view_of(comm, len), name, sizeof name) : "a program", pid);
}

static bool find_process(const char *root, const char *node, char *out, size_t size)
{
    char path[PATH_MAX], self[16];
    struct dirent *entry;
    bool found = false;
    DIR *folder;

    snprintf(self, sizeof self, "%d", getpid());
    snprintf(path, sizeof path, "%s/proc", root);
    folder = opendir(path);
    if (!folder)
        return false;
    while (!found && (entry = readdir(folder))) {
        if (!isdigit((unsigned char)entry->d_name[0]) || strcmp(entry->d_name, self) == 0)
            continue;
        snprintf(path, sizeof path, "%s/proc/%s", root, entry->d_name);
        found = has_open(path, node);
        if (found)
            name_process(path, entry->d_name, out, size);
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
    if (!find_process(root, node, out, size))
        snprintf(out, size, "another program");
    return true;
}
