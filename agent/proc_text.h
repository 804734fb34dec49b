/* What /proc says about a process, read from its text. A process writes some of it itself, so all
 * of it is no more than a hint. Pure. */
#pragma once

#include "base/bytes.h"

#include <sys/types.h>

#define PROC_NAME_MAX        33 /* octets with the NUL, as of the next */
#define PROC_APPLICATION_MAX 41

struct proc_stat {
    char name[PROC_NAME_MAX]; /* escaped */
    pid_t parent, group;
    bool leads_session; /* as a shell does that a human types into */
};

/* /proc/PID/stat (proc(5)). A process's name may hold blanks and parentheses. */
bool proc_stat_parse(struct view text, struct proc_stat *stat);

enum proc_sandbox { SANDBOX_NONE, SANDBOX_FLATPAK, SANDBOX_SNAP, SANDBOX_CONTAINER };

struct proc_cgroup {
    char application[PROC_APPLICATION_MAX]; /* "Thunderbird"; escaped; "" when not known */
    enum proc_sandbox sandbox;
};

/* /proc/PID/cgroup (cgroups(7)), version 1 or 2: the innermost unit that is an application's by the
 * naming of systemd's "Desktop Environment Integration", by Flatpak or by snapd, or a container. Of
 * a name like org.mozilla.Thunderbird the last part. */
void proc_cgroup_parse(struct view text, struct proc_cgroup *cgroup);
