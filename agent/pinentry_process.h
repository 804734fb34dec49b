/* A pinentry as a process of ours: started with a socket for its standard input and output, and
 * ended and reaped in any case. */
#pragma once

#include "agent/pinentry_options.h"

#include <sys/types.h>

struct pinentry_process {
    pid_t pid;
    int pidfd; /* -1: the kernel has none */
};

/* Starts an absolute program. It gets the environment of this process with the variables of options
 * (NULL: none) put over it, no other descriptor of ours, default signals, and a session of its own,
 * so that it can read a terminal that is not ours. When the calling thread ends before it, killed
 * with us, it gets SIGALRM. *fd is our end of the connection, the caller's to close. Errors are
 * those of fork and execve: GPG_ERR_ENOENT, GPG_ERR_EACCES, GPG_ERR_ENOEXEC and others. */
gpg_error_t pinentry_process_start(const char *program, const struct pinentry_options *options,
                                   struct pinentry_process *process, int *fd);

/* Waits for the end, our end of the connection having been closed; at most a second. In peace it
 * may first end by itself, otherwise it and its children are told to at once: SIGTERM, and SIGKILL
 * half a second later. */
void pinentry_process_end(struct pinentry_process *process, bool in_peace);
