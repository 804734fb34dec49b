#include "base/log.h"
#include "tests/token/program.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Is a program listening at the socket, or was it left behind? */
static bool is_stale(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool stale;

    if (fd < 0)
        return false;
    stale =
        connect(fd, (const struct sockaddr *)address, sizeof *address) < 0 && errno == ECONNREFUSED;
    close(fd);
    return stale;
}

static gpg_error_t bind_private(int fd, const struct sockaddr_un *address)
{
    mode_t mask = umask(077);
    int result = bind(fd, (const struct sockaddr *)address, sizeof *address);

    if (result < 0 && errno == EADDRINUSE && is_stale(address)) {
        unlink(address->sun_path);
        result = bind(fd, (const struct sockaddr *)address, sizeof *address);
    }
    umask(mask);
    return result < 0 ? gpg_error_from_syserror() : 0;
}

gpg_error_t control_open(struct program *p)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    const char *path = p->arguments.control;
    gpg_error_t err;
    int fd;

    if (!path)
        return 0;
    if (strlen(path) >= sizeof address.sun_path)
        return gpg_error(GPG_ERR_ENAMETOOLONG);
    memcpy(address.sun_path, path, strlen(path));
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return gpg_error_from_syserror();
    err = bind_private(fd, &address);
    if (!err && listen(fd, CONTROL_CLIENTS) < 0) {
        err = gpg_error_from_syserror();
        unlink(path);
    }
    if (err)
        close(fd);
    else
        p->control = fd;
    return err;
}

static void drop(struct control_client *client)
{
    close(client->fd);
    client->fd = -1;
    client->len = 0;
}

void control_close(struct program *p)
{
    for (size_t i = 0; i < CONTROL_CLIENTS; i++)
        if (p->clients[i].fd >= 0)
            drop(&p->clients[i]);
    if (p->control < 0)
        return;
    close(p->control);
    unlink(p->arguments.control);
    p->control = -1;
}

void control_accept(struct program *p)
{
    int fd = accept4(p->control, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (fd < 0)
        return;
    for (size_t i = 0; i < CONTROL_CLIENTS; i++)
        if (p->clients[i].fd < 0) {
            p->clients[i] = (struct control_client){ .fd = fd };
            return;
        }
    log_warning("too many programs at the control socket");
    close(fd);
}

static void reply(struct control_client *client, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void reply(struct control_client *client, const char *format, ...)
{
    char line[256];
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (len > 0 && (size_t)len < sizeof line)
        (void)!send(client->fd, line, (size_t)len, MSG_NOSIGNAL);
}

static void reply_status(const struct program *p, struct control_client *client)
{
    reply(client, "ok %s %s%s\n", p->inserted ? "inserted" : "removed",
          p->link.fd >= 0 ? "connected" : "not-connected",
          p->waiting_for_touch ? " waiting-for-touch" : "");
}

static void insert(struct program *p, struct control_client *client)
{
    gpg_error_t err;

    if (p->inserted) {
        reply(client, "error it is inserted\n");
        return;
    }
    err = insertion_try(p);
    if (err && !p->arguments.wait_ms) {
        reply(client, "error cannot connect to %.100s: %s\n", p->arguments.connect,
              gpg_strerror(err));
        return;
    }
    p->inserted = true;
    reply(client, "ok inserted\n");
}

/* As another program of the host would, which does not tell ours. */
static void reset(struct program *p, struct control_client *client)
{
    if (p->waiting_for_touch) {
        reply(client, "error a command is under way\n");
        return;
    }
    token_reset(p->token);
    trace_note(p, "reset");
    reply(client, "ok reset\n");
}

static void run(struct program *p, struct control_client *client, const char *command)
{
    if (strcmp(command, "insert") == 0) {
        insert(p, client);
    } else if (strcmp(command, "remove") == 0) {
        if (p->inserted) {
            insertion_remove(p);
            reply(client, "ok removed\n");
        } else {
            reply(client, "error it is not inserted\n");
        }
    } else if (strcmp(command, "touch") == 0) {
        p->touched = p->waiting_for_touch;
        reply(client, p->touched ? "ok touched\n" : "error nothing waits for a touch\n");
    } else if (strcmp(command, "reset") == 0) {
        reset(p, client);
    } else if (strcmp(command, "status") == 0) {
        reply_status(p, client);
    } else if (strcmp(command, "quit") == 0) {
        p->quit = true;
        reply(client, "ok bye\n");
    } else {
        reply(client,
              "error unknown command; there are insert, remove, touch, reset, status, quit\n");
    }
}

/* A line too long is answered as unknown once its end has come. */
static void take(struct program *p, struct control_client *client, char c)
{
    if (c != '\n') {
        if (client->len < sizeof client->line - 1 && c != '\r')
            client->line[client->len++] = c;
        return;
    }
    client->line[client->len] = '\0';
    client->len = 0;
    run(p, client, client->line);
}

void control_read(struct program *p, struct control_client *client)
{
    char text[256];
    ssize_t n = recv(client->fd, text, sizeof text, 0);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        drop(client);
        return;
    }
    for (ssize_t i = 0; i < n; i++)
        take(p, client, text[i]);
}
