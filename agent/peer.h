/* Who is at the other end of a socket, as far as the kernel says. A hint for humans, never a
 * permission: another program of the same user can call itself what it likes. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

/* "gpg (process 1234)", or "process 1234" when its name cannot be read. Returns out. */
char *peer_describe(pid_t pid, char *out, size_t size);
