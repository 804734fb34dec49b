#include "agent/peer.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PROC_TEXT_MAX 4096

/* How far up to look for whom a tool works. */
#define CALLERS_MAX 8

static bool is_one_of(const char *name, const char *const *names)
{
    for (; *names; names++) {
        if (strcmp(name, *names) == 0)
            return true;
    }
    return false;
}

/* Programs that decrypt for another one; /proc has 15 octets of a name. */
static bool is_tool(const char *name)
{
    static const char *const tools[] = { "gpg",        "gpg2",      "gpgsm",           "gpgtar",
                                         "gpgme-json", "gpg-agent", "gpg-connect-age", "gpgconf",
                                         "cardea",     "sq",        "cardea-sop",      NULL };

    return is_one_of(name, tools);
}

/* Nobody's idea: what somebody else had them start is what counts. */
static bool is_shell(const struct proc_stat *stat)
{
    static const char *const shells[] = { "sh",  "bash", "dash",    "zsh",   "ksh", "fish",
                                          "env", "nice", "timeout", "xargs", NULL };

    return is_one_of(stat->name, shells) && !stat->leads_session;
}

/* It inherits the children of those who ended. */
static bool is_init(pid_t pid, const struct proc_stat *stat)
{
    static const char *const names[] = { "systemd", "init", NULL };

    return pid <= 1 || is_one_of(stat->name, names);
}

static struct view read_proc(pid_t pid, const char *file, char text[PROC_TEXT_MAX])
{
    char path[40];
    ssize_t len;
    int fd;

    snprintf(path, sizeof path, "/proc/%ld/%s", (long)pid, file);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return view_of(NULL, 0);
    len = read(fd, text, PROC_TEXT_MAX);
    close(fd);
    return view_of(text, len > 0 ? (size_t)len : 0);
}

static bool read_stat(pid_t pid, struct proc_stat *stat)
{
    char text[PROC_TEXT_MAX];

    return pid > 0 && proc_stat_parse(read_proc(pid, "stat", text), stat);
}

static bool same_cgroup(pid_t a, pid_t b)
{
    char text_a[PROC_TEXT_MAX], text_b[PROC_TEXT_MAX];

    return view_equal(read_proc(a, "cgroup", text_a), read_proc(b, "cgroup", text_b));
}

/* GPGME leaves its gpg to init; that one still is in the process group of whoever asked GPGME, or
 * in that of the desktop that started both, which is in another cgroup. */
static bool find_group_leader(pid_t pid, const struct proc_stat *stat, struct proc_stat *leader)
{
    return stat->group != pid && read_stat(stat->group, leader) && !is_tool(leader->name) &&
           !is_shell(leader) && !is_init(stat->group, leader) && same_cgroup(pid, stat->group);
}

static bool find_caller(pid_t pid, const struct proc_stat *stat, struct proc_stat *caller)
{
    pid_t at = stat->parent;

    for (int i = 0; i < CALLERS_MAX && read_stat(at, caller) && !is_init(at, caller); i++) {
        if (!is_tool(caller->name) && !is_shell(caller))
            return true;
        at = caller->parent;
    }
    return find_group_leader(pid, stat, caller);
}

/* That we are in a container ourselves is nothing to tell of others in it. */
static void read_cgroup(pid_t pid, struct proc_cgroup *cgroup)
{
    char text[PROC_TEXT_MAX];

    proc_cgroup_parse(read_proc(pid, "cgroup", text), cgroup);
    if (cgroup->sandbox == SANDBOX_CONTAINER && same_cgroup(pid, getpid()))
        cgroup->sandbox = SANDBOX_NONE;
}

char *peer_describe(pid_t pid, char *out, size_t size)
{
    struct peer peer = { .pid = pid };
    struct proc_stat stat, caller;

    if (read_stat(pid, &stat)) {
        memcpy(peer.name, stat.name, sizeof peer.name);
        peer.is_tool = is_tool(stat.name);
        if (peer.is_tool && find_caller(pid, &stat, &caller))
            memcpy(peer.caller, caller.name, sizeof peer.caller);
        read_cgroup(pid, &peer.cgroup);
    }
    return peer_words(&peer, out, size);
}

/* thunderbird-bin and Thunderbird are one. */
static bool is_same(const char *name, const char *application)
{
    return strcasestr(name, application) || strcasestr(application, name);
}

/* The program, and the application that it is, or that it runs in: "mutt in Terminal". */
static void name_program(const struct peer *peer, char *out, size_t size)
{
    const char *application = peer->cgroup.application;
    const char *name = *peer->caller ? peer->caller : peer->name;
    bool only_tool = peer->is_tool && !*peer->caller;

    if (!*application)
        snprintf(out, size, "%s", name);
    else if (only_tool || is_same(name, application))
        snprintf(out, size, "%s", application);
    else
        snprintf(out, size, "%s in %s", name, application);
}

char *peer_words(const struct peer *peer, char *out, size_t size)
{
    static const char *const sandboxes[] = { [SANDBOX_NONE] = "",
                                             [SANDBOX_FLATPAK] = " (Flatpak)",
                                             [SANDBOX_SNAP] = " (snap)",
                                             [SANDBOX_CONTAINER] = " in a container" };
    char program[PROC_NAME_MAX + PROC_APPLICATION_MAX + 4];
    bool through;

    if (!*peer->name) {
        snprintf(out, size, "process %ld", (long)peer->pid);
        return out;
    }
    name_program(peer, program, sizeof program);
    through = peer->is_tool && strcmp(program, peer->name) != 0;
    snprintf(out, size, "%s%s%s%s (process %ld)", program, sandboxes[peer->cgroup.sandbox],
             through ? ", through " : "", through ? peer->name : "", (long)peer->pid);
    return out;
}
