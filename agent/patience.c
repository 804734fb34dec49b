#include "agent/patience.h"

#include "agent/session.h"
#include "base/log.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#define PATIENCE_MS 10000

static bool comes_in_time(int fd, short events, struct deadline deadline)
{
    struct pollfd fds = { .fd = fd, .events = events };
    int count;

    do
        count = poll(&fds, 1, deadline_poll_ms(deadline));
    while (count < 0 && errno == EINTR);
    return count > 0;
}

/* libassuan would go on with what it has read already. */
static ssize_t hang_up(const struct session *session, int fd, const char *why)
{
    log_info("process %ld was hung up on: it %s", (long)session->peer_pid, why);
    shutdown(fd, SHUT_RDWR);
    errno = ETIMEDOUT;
    return -1;
}

static void note_line(struct session *session, const char *octets, size_t len)
{
    bool begins = session->line_by.at_ms == INT64_MAX || memchr(octets, '\n', len);

    if (octets[len - 1] == '\n')
        session->line_by = deadline_never();
    else if (begins)
        session->line_by = deadline_in_ms(PATIENCE_MS);
}

static ssize_t read_in_time(assuan_context_t assuan, assuan_fd_t fd, void *to, size_t size)
{
    struct session *session = assuan_get_pointer(assuan);
    ssize_t len;

    /* A pinentry's connection has a human at its other end, and limits of its own. */
    if (session && !comes_in_time(fd, POLLIN, session->line_by))
        return hang_up(session, fd, "did not finish a line");
    len = __assuan_read(assuan, fd, to, size);
    if (session && len > 0)
        note_line(session, to, (size_t)len);
    return len;
}

static ssize_t send_in_time(const struct session *session, int fd, const void *from, size_t size)
{
    for (;;) {
        ssize_t len = send(fd, from, size, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (len >= 0 || errno != EAGAIN)
            return len;
        if (!comes_in_time(fd, POLLOUT, deadline_in_ms(PATIENCE_MS)))
            return hang_up(session, fd, "did not take its answers");
    }
}

static bool send_all(const struct session *session, int fd, const char *from, size_t size)
{
    while (size) {
        ssize_t len = send_in_time(session, fd, from, size);

        if (len < 0)
            return false;
        from += len;
        size -= (size_t)len;
    }
    return true;
}

static bool send_held(struct session *session, int fd)
{
    size_t len = session->held_len;
    bool sent;

    session->held_len = 0;
    sent = send_all(session, fd, session->held, len);
    explicit_bzero(session->held, len);
    return sent;
}

/* libassuan writes a line and its end apart, and each would wake the client. */
static ssize_t write_in_time(assuan_context_t assuan, assuan_fd_t fd, const void *from, size_t size)
{
    struct session *session = assuan_get_pointer(assuan);

    if (!session || size == 0)
        return __assuan_write(assuan, fd, from, size);
    if (size > sizeof session->held - session->held_len && !send_held(session, fd))
        return -1;
    if (size > sizeof session->held)
        return send_in_time(session, fd, from, size);
    memcpy(session->held + session->held_len, from, size);
    session->held_len += size;
    if (session->held[session->held_len - 1] == '\n' && !send_held(session, fd))
        return -1;
    return (ssize_t)size;
}

void patience_begin(void)
{
    struct assuan_system_hooks hooks = { .version = ASSUAN_SYSTEM_HOOKS_VERSION,
                                         .usleep = __assuan_usleep,
                                         .pipe = __assuan_pipe,
                                         .close = __assuan_close,
                                         .read = read_in_time,
                                         .write = write_in_time,
                                         .recvmsg = __assuan_recvmsg,
                                         .sendmsg = __assuan_sendmsg,
                                         .spawn = __assuan_spawn,
                                         .waitpid = __assuan_waitpid,
                                         .socketpair = __assuan_socketpair,
                                         .socket = __assuan_socket,
                                         .connect = __assuan_connect };

    assuan_set_system_hooks(&hooks);
}
