#include "ccid/vpcd.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

gpg_error_t vpcd_message_next(struct vpcd_message *message, struct buffer *payload, uint8_t **where,
                              size_t *missing)
{
    size_t length;
    uint8_t *room;

    if (message->got < VPCD_HEADER) {
        *where = message->header + message->got;
        *missing = VPCD_HEADER - message->got;
        return 0;
    }
    length = (size_t)message->header[0] << 8 | message->header[1];
    if (length > payload->max)
        return gpg_error(GPG_ERR_TOO_LARGE);
    *missing = length - payload->len;
    if (*missing == 0)
        return 0;
    room = buffer_reserve(payload, *missing);
    if (!room)
        return gpg_error(GPG_ERR_ENOMEM);
    *where = room;
    return 0;
}

void vpcd_message_took(struct vpcd_message *message, struct buffer *payload, size_t n)
{
    if (message->got >= VPCD_HEADER)
        payload->len += n;
    message->got += n;
}

static gpg_error_t wait_for(int fd, short events, struct deadline deadline)
{
    struct pollfd pollfd = { .fd = fd, .events = events };
    int n;

    do
        n = poll(&pollfd, 1, deadline_poll_ms(deadline));
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return gpg_error_from_syserror();
    return n == 0 ? gpg_error(GPG_ERR_TIMEOUT) : 0;
}

/* The stream's error, as far as waiting does not cure it. */
static gpg_error_t after_failure(int fd, short events, struct deadline deadline)
{
    if (errno == EINTR)
        return 0;
    if (errno == EAGAIN || errno == EWOULDBLOCK)
        return wait_for(fd, events, deadline);
    return gpg_error(GPG_ERR_CARD_REMOVED);
}

gpg_error_t vpcd_send(int fd, struct view payload, struct deadline deadline)
{
    uint8_t header[VPCD_HEADER] = { (uint8_t)(payload.len >> 8), (uint8_t)payload.len };
    union {
        const void *in;
        void *out;
    } data = { .in = payload.data }; /* sendmsg only reads, its type does not say so */
    struct iovec parts[2] = { { header, sizeof header }, { data.out, payload.len } };
    struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
    gpg_error_t err = 0;

    if (payload.len > VPCD_PAYLOAD_MAX)
        return gpg_error(GPG_ERR_TOO_LARGE);
    while (!err && parts[0].iov_len + parts[1].iov_len > 0) {
        ssize_t n = sendmsg(fd, &message, MSG_NOSIGNAL);

        if (n < 0)
            err = after_failure(fd, POLLOUT, deadline);
        for (int i = 0; i < 2 && n > 0; i++) {
            size_t taken = (size_t)n < parts[i].iov_len ? (size_t)n : parts[i].iov_len;

            parts[i].iov_base = (uint8_t *)parts[i].iov_base + taken;
            parts[i].iov_len -= taken;
            n -= (ssize_t)taken;
        }
    }
    return err;
}

/* A peer that writes length and payload in two sends with Nagle's algorithm on keeps the second
 * until we acknowledge the first, which we would put off by 40 ms. */
static void acknowledge_now(int fd)
{
    const int on = 1;
    int saved_errno = errno;

    (void)setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on); /* in vain without TCP */
    errno = saved_errno;
}

gpg_error_t vpcd_receive(int fd, struct buffer *payload, struct deadline deadline)
{
    struct vpcd_message message = { 0 };
    gpg_error_t err = wait_for(fd, POLLIN, deadline);

    while (!err) {
        uint8_t *where;
        size_t missing;
        ssize_t n;

        err = vpcd_message_next(&message, payload, &where, &missing);
        if (err || missing == 0)
            break;
        n = recv(fd, where, missing, 0);
        if (n > 0) {
            vpcd_message_took(&message, payload, (size_t)n);
        } else if (n == 0) {
            err = gpg_error(GPG_ERR_CARD_REMOVED);
        } else {
            acknowledge_now(fd);
            err = after_failure(fd, POLLIN, deadline);
        }
    }
    return err;
}
