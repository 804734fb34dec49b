/* The local sockets of this machine and who is at their other ends, as the kernel tells
 * (sock_diag(7)). */
#pragma once

#include "base/bytes.h"

struct unix_socket {
    uint32_t inode;
    uint32_t peer;          /* inode of the other end; 0: none */
    uint32_t file, device;  /* of the file it, or whom it was accepted from, is bound to; 0: none */
    bool named_for_service; /* it is bound to a name that ends as was asked for */
};

/* Lists those that are connected. *list is the caller's to free; the name is as the server bound
 * it, whatever a client's file system calls it. */
gpg_error_t unix_sockets_list(const char *name_ends, struct unix_socket **list, size_t *count);
