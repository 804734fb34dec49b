/* Who is at the other end of a socket, as far as the kernel says. A hint for humans, never a
 * permission: another program of the same user can call itself what it likes, and a process may be
 * another by the time it is looked at. */
#pragma once

#include "agent/proc_text.h"

struct peer {
    pid_t pid;
    char name[PROC_NAME_MAX];   /* "gpg"; "" when not known */
    bool is_tool;               /* it asks for somebody else, as gpg does */
    char caller[PROC_NAME_MAX]; /* for whom: "mutt"; "" when not known */
    struct proc_cgroup cgroup;
};

/* Octets with the NUL that hold whatever peer_words says. */
#define PEER_WORDS_MAX 160

/* "Thunderbird, through gpg (process 1234)", or "process 1234" when nothing can be read. Returns
 * out. */
char *peer_describe(pid_t pid, char *out, size_t size);

/* The words alone. Pure. */
char *peer_words(const struct peer *peer, char *out, size_t size);
