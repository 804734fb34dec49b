/* The agent's listening sockets as files.
 *
 * A socket is only ever made in a directory that nobody else can write, replaces only a dead one,
 * and is unlinked only while it is still ours. */
#pragma once

#include "agent/socket_occupant.h"

#include <gpg-error.h>

/* Zero-initialise with SOCKET_FILE. */
struct socket_file {
    int fd;     /* listening, close-on-exec, blocking; -1 when closed */
    char *path; /* owned */
    dev_t device;
    ino_t inode;
};

#define SOCKET_FILE                                                                                \
    (struct socket_file)                                                                           \
    {                                                                                              \
        .fd = -1                                                                                   \
    }

/* Makes a socket with mode 0600 at path (absolute) and listens. Of several agents that start at
 * once one wins. Logs at error, with what to do, whatever it returns: GPG_ERR_ENAMETOOLONG  the
 * path does not fit a socket's address GPG_ERR_ENOENT        no such directory GPG_ERR_EPERM the
 * directory is not ours, or others may write to it GPG_ERR_EEXIST        there is something at path
 * that is no socket GPG_ERR_EADDRINUSE    a live agent has it; *occupant, unless NULL, says which
 *   GPG_ERR_ETIMEDOUT     another agent has been starting for longer than five seconds
 * or the error of a system call. */
gpg_error_t socket_file_listen(const char *path, struct socket_file *file,
                               struct socket_occupant *occupant);

/* Closes, and unlinks the path if what is there is still the socket that we made. Accepts
 * SOCKET_FILE, and leaves it so. */
void socket_file_close(struct socket_file *file);
