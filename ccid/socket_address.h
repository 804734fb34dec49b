/* Where a socket back end listens: "/absolute/path", "127.0.0.1:PORT", "[::1]:PORT" or
 * "localhost:PORT". */
#pragma once

#include <gpg-error.h>
#include <sys/socket.h>
#include <sys/un.h>

struct socket_address {
    struct sockaddr_storage storage;
    socklen_t len;
};

/* GPG_ERR_ENAMETOOLONG for a path that no socket can have; GPG_ERR_INV_ARG for a relative path, an
 * address that other machines reach, a port outside 1..65535 and everything else. */
gpg_error_t socket_address_parse(const char *text, struct socket_address *address);

/* Binds and listens, non-blocking. A path gets mode 0600; a stale socket there is replaced, a live
 * one is GPG_ERR_EADDRINUSE, anything else GPG_ERR_EEXIST. */
gpg_error_t socket_address_listen(const struct socket_address *address, int *r_fd);

/* The path of a Unix socket; NULL for others. */
const char *socket_address_path(const struct socket_address *address);
