#include "agent/socket_occupant.h"

#include "base/deadline.h"
#include "base/text.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ASK_MS     2000
#define REPLY_SIZE 1024

struct talk {
    int fd;
    struct deadline deadline;
    char reply[REPLY_SIZE]; /* what has come and is not read yet */
    size_t len;
};

static bool receive(struct talk *t)
{
    struct pollfd fds = { .fd = t->fd, .events = POLLIN };
    ssize_t n;

    if (t->len == sizeof t->reply || poll(&fds, 1, deadline_poll_ms(t->deadline)) <= 0)
        return false;
    n = recv(t->fd, t->reply + t->len, sizeof t->reply - t->len, MSG_DONTWAIT);
    if (n <= 0)
        return false;
    t->len += (size_t)n;
    return true;
}

/* The next line, without its end, as printable text. */
static bool read_line(struct talk *t, char *line, size_t size)
{
    const char *end;
    size_t len;

    while (!(end = memchr(t->reply, '\n', t->len))) {
        if (!receive(t))
            return false;
    }
    len = (size_t)(end - t->reply);
    text_escape(view_of(t->reply, len), line, size);
    t->len -= len + 1;
    memmove(t->reply, end + 1, t->len);
    return true;
}

/* Sends a command that is answered by one data line and OK. */
static bool ask(struct talk *t, const char *command, char *answer, size_t size)
{
    char line[256];

    if (send(t->fd, command, strlen(command), MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ||
        !read_line(t, line, sizeof line) || strncmp(line, "D ", 2) != 0)
        return false;
    text_escape(view_of(line + 2, strlen(line + 2)), answer, size);
    return read_line(t, line, sizeof line) && strncmp(line, "OK", 2) == 0;
}

static void interview(struct talk *t, struct socket_occupant *occupant)
{
    char text[256];
    long pid;

    if (!read_line(t, text, sizeof text) || strncmp(text, "OK", 2) != 0)
        return;
    occupant->kind =
        strstr(text, SOCKET_GREETING_MARK) ? SOCKET_OCCUPANT_CARDEA : SOCKET_OCCUPANT_AGENT;
    if (!ask(t, "GETINFO version\n", occupant->version, sizeof occupant->version))
        return;
    /* Under socket activation the peer's credentials are those of the service manager. */
    if (ask(t, "GETINFO pid\n", text, sizeof text) && text_to_number(text, 1, INT_MAX, &pid))
        occupant->pid = (pid_t)pid;
    send(t->fd, "BYE\n", 4, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static pid_t peer_pid(int fd)
{
    struct ucred peer;
    socklen_t len = sizeof peer;

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 ? peer.pid : 0;
}

void socket_file_ask(const char *path, struct socket_occupant *occupant)
{
    struct talk t = { .deadline = deadline_in_ms(ASK_MS) };
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    *occupant = (struct socket_occupant){ 0 };
    if (strlen(path) >= sizeof address.sun_path)
        return;
    memcpy(address.sun_path, path, strlen(path));
    t.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (t.fd < 0)
        return;
    if (connect(t.fd, (const struct sockaddr *)&address, sizeof address) == 0) {
        occupant->kind = SOCKET_OCCUPANT_UNKNOWN;
        occupant->pid = peer_pid(t.fd);
        interview(&t, occupant);
    } else if (errno == EAGAIN || errno == EACCES || errno == EPROTOTYPE) {
        /* Somebody listens, with a full queue or for others. */
        occupant->kind = SOCKET_OCCUPANT_UNKNOWN;
    }
    close(t.fd);
}
