#include "tests/token/link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void link_init(struct link *link)
{
    link->fd = -1;
    link->input = BUFFER(FRAME_MAX + 2);
}

void link_close(struct link *link)
{
    if (link->fd >= 0)
        close(link->fd);
    link->fd = -1;
    buffer_free(&link->input);
}

static gpg_error_t connect_to(struct link *link, const void *address, socklen_t len, int family)
{
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;
    gpg_error_t err;

    if (fd < 0)
        return gpg_error_from_syserror();
    if (connect(fd, address, len) < 0) {
        err = gpg_error_from_syserror();
        close(fd);
        return err;
    }
    if (family != AF_UNIX)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    link->fd = fd;
    return 0;
}

static gpg_error_t connect_to_path(struct link *link, const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    if (strlen(path) >= sizeof address.sun_path)
        return gpg_error(GPG_ERR_ENAMETOOLONG);
    memcpy(address.sun_path, path, strlen(path));
    return connect_to(link, &address, sizeof address, AF_UNIX);
}

static bool is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;

        memcpy(&in, address, sizeof in);
        return ntohl(in.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;

        memcpy(&in6, address, sizeof in6);
        return IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr);
    }
    return false;
}

static gpg_error_t connect_to_host(struct link *link, const char *host, const char *port)
{
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
    gpg_error_t err = gpg_error(GPG_ERR_INV_VALUE);
    struct addrinfo *list, *a;

    if (getaddrinfo(host, port, &hints, &list))
        return err;
    for (a = list; a && link->fd < 0; a = a->ai_next)
        if (is_loopback(a->ai_addr))
            err = connect_to(link, a->ai_addr, a->ai_addrlen, a->ai_family);
    freeaddrinfo(list);
    return err;
}

gpg_error_t link_connect(struct link *link, const char *where)
{
    const char *colon = strrchr(where, ':');
    char host[64];
    size_t len;

    if (strchr(where, '/') || !colon)
        return connect_to_path(link, where);
    len = (size_t)(colon - where);
    if (len >= 2 && where[0] == '[' && where[len - 1] == ']') {
        where++;
        len -= 2;
    }
    if (len == 0 || len >= sizeof host)
        return gpg_error(GPG_ERR_INV_VALUE);
    memcpy(host, where, len);
    host[len] = '\0';
    return connect_to_host(link, host, colon + 1);
}

gpg_error_t link_receive(struct link *link)
{
    size_t room = link->input.max - link->input.len;
    uint8_t *to = buffer_reserve(&link->input, room);
    int on = 1;
    ssize_t n;

    if (!to)
        return gpg_error(GPG_ERR_ENOMEM);
    /* vpcd sends length and octets apart, with Nagle's algorithm: without this the second part
     * waits for a delayed acknowledgement. No effect on a Unix socket. */
    setsockopt(link->fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
    n = recv(link->fd, to, room, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (n < 0)
        return gpg_error_from_syserror();
    if (n == 0)
        return gpg_error(GPG_ERR_EOF);
    link->input.len += (size_t)n;
    return 0;
}

static void drop(struct buffer *b, size_t n)
{
    memmove(b->data, b->data + n, b->len - n);
    b->len -= n;
}

static enum link_frame control_frame(uint8_t octet)
{
    switch (octet) {
    case 0x00:
        return LINK_OFF;
    case 0x01:
        return LINK_ON;
    case 0x02:
        return LINK_RESET;
    case 0x04:
        return LINK_ATR;
    default:
        return LINK_COMMAND;
    }
}

enum link_frame link_next(struct link *link, struct buffer *command)
{
    struct view input = buffer_view(&link->input), frame;
    enum link_frame kind;
    uint16_t len;

    if (!view_u16(&input, &len) || !view_take(&input, len, &frame))
        return LINK_NOTHING;
    kind = frame.len == 1 ? control_frame(frame.data[0]) : LINK_COMMAND;
    buffer_clear(command);
    if (kind == LINK_COMMAND && buffer_append_view(command, frame))
        buffer_clear(command);
    drop(&link->input, 2 + (size_t)len);
    return kind;
}

gpg_error_t link_send(struct link *link, struct view frame)
{
    struct buffer out = BUFFER(FRAME_MAX + 2);
    gpg_error_t err = 0;
    size_t sent = 0;

    if (frame.len > FRAME_MAX)
        return gpg_error(GPG_ERR_TOO_LARGE);
    if (buffer_append_u16(&out, (uint16_t)frame.len) || buffer_append_view(&out, frame))
        err = gpg_error(GPG_ERR_ENOMEM);
    while (!err && sent < out.len) {
        ssize_t n = send(link->fd, out.data + sent, out.len - sent, MSG_NOSIGNAL);

        if (n >= 0)
            sent += (size_t)n;
        else if (errno != EINTR)
            err = gpg_error_from_syserror();
    }
    buffer_free(&out);
    return err;
}
