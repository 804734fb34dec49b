#include "ccid/socket_address.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define HOST_MAX    sizeof "127.255.255.255"
#define BACKLOG     8
#define PRIVATE     (S_IRUSR | S_IWUSR)
#define LOOPBACK_IN (127U << 24) /* 127.0.0.0/8 (RFC 1122 §3.2.1.3) */

static gpg_error_t parse_path(const char *path, struct socket_address *address)
{
    struct sockaddr_un *un = (struct sockaddr_un *)&address->storage;
    size_t len = strlen(path);

    if (len >= sizeof un->sun_path)
        return gpg_error(GPG_ERR_ENAMETOOLONG);
    *address = (struct socket_address){ .len = sizeof *un };
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path, path, len + 1);
    return 0;
}

static bool parse_ipv4(const char *host, uint16_t port, struct socket_address *address)
{
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };

    if (strcmp(host, "localhost") == 0)
        host = "127.0.0.1";
    if (inet_pton(AF_INET, host, &in.sin_addr) != 1 ||
        (ntohl(in.sin_addr.s_addr) & IN_CLASSA_NET) != LOOPBACK_IN)
        return false;
    *address = (struct socket_address){ .len = sizeof in };
    memcpy(&address->storage, &in, sizeof in);
    return true;
}

static bool parse_ipv6(const char *host, uint16_t port, struct socket_address *address)
{
    struct sockaddr_in6 in = { .sin6_family = AF_INET6,
                               .sin6_port = htons(port),
                               .sin6_addr = IN6ADDR_LOOPBACK_INIT };

    if (strcmp(host, "[::1]") != 0)
        return false;
    *address = (struct socket_address){ .len = sizeof in };
    memcpy(&address->storage, &in, sizeof in);
    return true;
}

gpg_error_t socket_address_parse(const char *text, struct socket_address *address)
{
    const char *colon = strrchr(text, ':');
    char host[HOST_MAX] = { 0 };
    size_t host_len;
    long port;

    if (text[0] == '/')
        return parse_path(text, address);
    host_len = colon ? (size_t)(colon - text) : 0;
    if (host_len == 0 || host_len >= sizeof host ||
        !text_to_number(colon + 1, 1, UINT16_MAX, &port))
        return gpg_error(GPG_ERR_INV_ARG);
    memcpy(host, text, host_len);
    if (!parse_ipv4(host, (uint16_t)port, address) && !parse_ipv6(host, (uint16_t)port, address))
        return gpg_error(GPG_ERR_INV_ARG);
    return 0;
}

const char *socket_address_path(const struct socket_address *address)
{
    return address->storage.ss_family == AF_UNIX
               ? ((const struct sockaddr_un *)&address->storage)->sun_path
               : NULL;
}

/* Nobody listens on a socket that refuses; every other answer means that somebody might. */
static bool is_stale(const struct socket_address *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool stale;

    if (fd < 0)
        return false;
    stale = connect(fd, (const struct sockaddr *)&address->storage, address->len) &&
            errno == ECONNREFUSED;
    close(fd);
    return stale;
}

static gpg_error_t clear_path(const struct socket_address *address)
{
    const char *path = socket_address_path(address);
    struct stat st;

    if (lstat(path, &st))
        return errno == ENOENT ? 0 : gpg_error_from_syserror();
    if (!S_ISSOCK(st.st_mode))
        return gpg_error(GPG_ERR_EEXIST);
    if (!is_stale(address))
        return gpg_error(GPG_ERR_EADDRINUSE);
    return unlink(path) && errno != ENOENT ? gpg_error_from_syserror() : 0;
}

/* Of two processes that find the same stale socket, the second must not remove what the first has
 * just put there; both lock the folder. A folder that cannot be opened goes without. */
static int lock_folder_of(const char *path)
{
    char folder[sizeof((struct sockaddr_un *)NULL)->sun_path];
    size_t len = (size_t)(strrchr(path, '/') - path);
    int fd;

    snprintf(folder, sizeof folder, "%.*s", len ? (int)len : 1, path);
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0 && flock(fd, LOCK_EX)) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static gpg_error_t bind_path(int fd, const struct socket_address *address)
{
    int lock = lock_folder_of(socket_address_path(address));
    gpg_error_t err = clear_path(address);

    /* The mode of an unbound socket is that of the file which bind makes of it; unlike umask it
     * concerns no other thread. */
    if (!err &&
        (fchmod(fd, PRIVATE) ||
         bind(fd, (const struct sockaddr *)&address->storage, address->len) || listen(fd, BACKLOG)))
        err = gpg_error_from_syserror();
    if (lock >= 0)
        close(lock);
    return err;
}

static gpg_error_t bind_tcp(int fd, const struct socket_address *address)
{
    const int on = 1;

    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) ||
        bind(fd, (const struct sockaddr *)&address->storage, address->len) || listen(fd, BACKLOG))
        return gpg_error_from_syserror();
    return 0;
}

gpg_error_t socket_address_listen(const struct socket_address *address, int *r_fd)
{
    int fd = socket(address->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    gpg_error_t err;

    if (fd < 0)
        return gpg_error_from_syserror();
    err = socket_address_path(address) ? bind_path(fd, address) : bind_tcp(fd, address);
    if (err) {
        close(fd);
        return err;
    }
    *r_fd = fd;
    return 0;
}
