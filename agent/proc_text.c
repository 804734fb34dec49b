#include "agent/proc_text.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STAT_MAX 1024
#define PART_MAX 256 /* of a path; a longer one is no unit of systemd's */

static pid_t to_pid(long number)
{
    return number > 0 && number <= INT32_MAX ? (pid_t)number : 0;
}

bool proc_stat_parse(struct view text, struct proc_stat *stat)
{
    char copy[STAT_MAX], *open, *close;
    long pid, parent, group, session;

    if (!text.len || text.len >= sizeof copy)
        return false;
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    open = strchr(copy, '(');
    close = strrchr(copy, ')');
    if (!open || !close || close < open || sscanf(copy, "%ld", &pid) != 1 ||
        sscanf(close + 1, " %*c %ld %ld %ld", &parent, &group, &session) != 3)
        return false;
    text_escape(view_of(open + 1, (size_t)(close - open - 1)), stat->name, sizeof stat->name);
    stat->parent = to_pid(parent);
    stat->group = to_pid(group);
    stat->leads_session = pid == session;
    return true;
}

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Takes the end from text when it is that. */
static bool cut_end(char *text, const char *end)
{
    size_t len = strlen(text);

    if (len < strlen(end) || strcmp(text + len - strlen(end), end) != 0)
        return false;
    text[len - strlen(end)] = '\0';
    return true;
}

static void cut_at_last(char *text, char c)
{
    char *at = strrchr(text, c);

    if (at)
        *at = '\0';
}

/* "org.mozilla.Thunderbird": one's own name behind those of its makers. */
static const char *own_name(char *id)
{
    const char *first = strchr(id, '.');

    cut_end(id, ".desktop");
    return first && strchr(first + 1, '.') ? strrchr(id, '.') + 1 : id;
}

/* \x2d for a byte that the name of a unit cannot have (systemd.unit(5)). In place. */
static void unescape(char *text)
{
    char *to = text;
    uint8_t byte;
    size_t len;

    for (const char *from = text; *from;) {
        if (from[0] == '\\' && from[1] == 'x' && from[2] &&
            hex_decode(from + 2, 2, &byte, 1, &len)) {
            *to++ = byte ? (char)byte : '?';
            from += 4;
        } else {
            *to++ = *from++;
        }
    }
    *to = '\0';
}

static void set_application(struct proc_cgroup *cgroup, char *id)
{
    const char *name;

    unescape(id);
    name = own_name(id);
    text_escape(view_of(name, strlen(name)), cgroup->application, sizeof cgroup->application);
}

/* [LAUNCHER-]ID-RANDOM, or as a service [LAUNCHER-]ID[@RANDOM]; an ID has its own '-' escaped. */
static void take_application(struct proc_cgroup *cgroup, char *text, bool is_service)
{
    char *id;

    if (is_service)
        text[strcspn(text, "@")] = '\0';
    else
        cut_at_last(text, '-');
    id = strrchr(text, '-');
    if (starts_with(text, "flatpak-"))
        cgroup->sandbox = SANDBOX_FLATPAK;
    set_application(cgroup, id ? id + 1 : text);
}

/* SNAP.APPLICATION... */
static void take_snap(struct proc_cgroup *cgroup, char *text)
{
    text[strcspn(text, ".")] = '\0';
    cgroup->sandbox = SANDBOX_SNAP;
    set_application(cgroup, text);
}

/* Units and directories that container managers name. */
static bool is_container(const char *part)
{
    static const char *const starts[] = { "docker-",  "libpod-",  "crio-",       "cri-containerd-",
                                          "nerdctl-", "machine-", "lxc.payload", "kubepods" };

    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        if (starts_with(part, starts[i]))
            return true;
    }
    return strcmp(part, "docker") == 0 || strcmp(part, "lxc") == 0;
}

/* One part of a path. True when it says something. */
static bool take_part(struct proc_cgroup *cgroup, char *part)
{
    bool is_service;

    if (is_container(part)) {
        cgroup->sandbox = SANDBOX_CONTAINER;
        return true;
    }
    is_service = cut_end(part, ".service");
    if (!is_service && !cut_end(part, ".scope"))
        return false;
    if (starts_with(part, "app-"))
        take_application(cgroup, part + strlen("app-"), is_service);
    else if (starts_with(part, "flatpak-")) /* before Flatpak 1.6 */
        take_application(cgroup, part, is_service);
    else if (starts_with(part, "snap."))
        take_snap(cgroup, part + strlen("snap."));
    else
        return false;
    return true;
}

/* The path from its end. */
static bool take_path(struct proc_cgroup *cgroup, struct view path)
{
    char part[PART_MAX];

    while (path.len) {
        const uint8_t *slash = memrchr(path.data, '/', path.len);
        size_t start = slash ? (size_t)(slash - path.data) + 1 : 0;
        size_t len = path.len - start;

        if (len && len < sizeof part) {
            memcpy(part, path.data + start, len);
            part[len] = '\0';
            if (take_part(cgroup, part))
                return true;
        }
        path.len = slash ? start - 1 : 0;
    }
    return false;
}

/* Up to and without the separator, or the end. */
static struct view take_until(struct view *text, char separator)
{
    const uint8_t *end = text->len ? memchr(text->data, separator, text->len) : NULL;
    struct view taken = view_of(text->data, end ? (size_t)(end - text->data) : text->len);
    size_t step = taken.len + (end ? 1 : 0);

    *text = view_of(text->data + step, text->len - step);
    return taken;
}

void proc_cgroup_parse(struct view text, struct proc_cgroup *cgroup)
{
    static const char systemd[] = "name=systemd";

    *cgroup = (struct proc_cgroup){ .sandbox = SANDBOX_NONE };
    while (text.len) {
        struct view line = take_until(&text, '\n');
        struct view controllers;

        take_until(&line, ':');
        controllers = take_until(&line, ':');
        /* Version 2 has no controllers in its line; of version 1 one hierarchy is systemd's. */
        if (controllers.len && !view_equal(controllers, view_of(systemd, sizeof systemd - 1)))
            continue;
        if (take_path(cgroup, line))
            return;
    }
}
