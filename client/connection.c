#include "client/connection.h"

#include "base/deadline.h"
#include "base/gpg_home.h"
#include "base/secret.h"
#include "base/text.h"
#include "client/start_agent.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* An agent that is gone must not take the program with it: libassuan writes with write(). */
struct pipe_guard {
    sigset_t pipe, before;
    bool pending;
};

static void guard_begin(struct pipe_guard *guard)
{
    sigset_t waiting;

    sigemptyset(&guard->pipe);
    sigaddset(&guard->pipe, SIGPIPE);
    sigpending(&waiting);
    guard->pending = sigismember(&waiting, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &guard->pipe, &guard->before);
}

static void guard_end(const struct pipe_guard *guard)
{
    const struct timespec no_time = { 0 };

    /* The one that we made is taken back; one that waited before is not ours. */
    while (!guard->pending && sigtimedwait(&guard->pipe, NULL, &no_time) < 0 && errno == EINTR)
        continue;
    pthread_sigmask(SIG_SETMASK, &guard->before, NULL);
}

static gpg_error_t library_error;

static void init_library(void)
{
    library_error = secret_init_library();
}

gpg_error_t connection_init_library(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, init_library);
    return library_error;
}

static gpg_error_t socket_path(const struct cardea_options *options, char **home, char **path)
{
    const char *named = options->socket ? options->socket : secure_getenv("CARDEA_SOCKET");
    gpg_error_t err = home_directory(options->gnupghome, home);

    if (err)
        return err;
    if (!named || !*named)
        return home_socket_path(*home, HOME_SOCKET, path);
    *path = strdup(named);
    return *path ? 0 : gpg_error(GPG_ERR_ENOMEM);
}

static gpg_error_t open_socket(struct cardea *connection, const char *path)
{
    gpg_error_t err = assuan_new(&connection->assuan);
    struct pipe_guard guard;

    guard_begin(&guard);
    if (!err)
        err = assuan_socket_connect(connection->assuan, path, ASSUAN_INVALID_PID, 0);
    if (err) {
        assuan_release(connection->assuan);
        connection->assuan = NULL;
    }
    guard_end(&guard);
    return err;
}

/* Waits for an agent that was just started, as long as it may take to open its readers. */
static gpg_error_t open_when_started(struct cardea *connection, const char *path, pid_t agent)
{
    const struct timespec pause = { .tv_nsec = 5 * 1000 * 1000 };
    struct deadline deadline = deadline_in_ms(5000);
    gpg_error_t err;

    do {
        nanosleep(&pause, NULL);
        err = open_socket(connection, path);
    } while (err && !deadline_passed(deadline) && start_agent_is_alive(agent));
    /* Another client may have started the one that lives. */
    return err ? open_socket(connection, path) : 0;
}

static gpg_error_t open_or_start(struct cardea *connection, const struct cardea_options *options,
                                 const char *home, const char *path)
{
    gpg_error_t err = open_socket(connection, path);
    pid_t agent;

    if (!err)
        return 0;
    /* A socket that somebody named has an owner of its own. */
    if (options->socket || secure_getenv("CARDEA_SOCKET"))
        return gpg_error(GPG_ERR_NO_AGENT);
    /* As gpg does, which makes its own home and no other. */
    if (!options->gnupghome && !secure_getenv("GNUPGHOME"))
        (void)mkdir(home, S_IRWXU);
    err = start_agent(options->agent, home, &agent);
    if (!err)
        err = open_when_started(connection, path, agent);
    return err ? gpg_error(GPG_ERR_NO_AGENT) : 0;
}

static gpg_error_t ignore_data(void *context, const void *data, size_t len)
{
    (void)context;
    (void)data;
    (void)len;
    return 0;
}

/* gpg-agent knows nothing of our commands, and its errors would say so in riddles. */
static gpg_error_t is_cardea(struct cardea *connection)
{
    const struct connection_call call = { .data = ignore_data };
    gpg_error_t err = connection_call(connection, "GETINFO cardea_version", &call);

    switch (gpg_err_code(err)) {
    case GPG_ERR_ASS_PARAMETER:
    case GPG_ERR_ASS_UNKNOWN_CMD:
    case GPG_ERR_FORBIDDEN: /* gpg-agent's restricted sockets */
        return gpg_error(GPG_ERR_NOT_SUPPORTED);
    default:
        return err;
    }
}

gpg_error_t cardea_connect(const struct cardea_options *options, struct cardea **r_connection)
{
    const struct cardea_options none = { 0 };
    struct cardea *connection = calloc(1, sizeof *connection);
    char *home = NULL;
    char *path = NULL;
    int fds[2] = { -1, -1 };
    gpg_error_t err = connection ? connection_init_library() : gpg_error(GPG_ERR_ENOMEM);

    if (err)
        goto leave;
    atomic_init(&connection->cancelled, false);
    connection->fd = -1;
    connection->certificates = BUFFER(CERTIFICATES_OCTETS);
    options = options ? options : &none;
    err = socket_path(options, &home, &path);
    if (!err)
        err = open_or_start(connection, options, home, path);
    if (err)
        goto leave;
    if (assuan_get_active_fds(connection->assuan, 0, fds, 2) > 0)
        connection->fd = fcntl(fds[0], F_DUPFD_CLOEXEC, 0);
    err = connection->fd < 0 ? gpg_error_from_syserror() : is_cardea(connection);
leave:
    free(home);
    free(path);
    if (err)
        cardea_disconnect(&connection);
    else
        *r_connection = connection;
    return err;
}

void cardea_disconnect(struct cardea **r_connection)
{
    struct cardea *connection = *r_connection;
    struct pipe_guard guard;

    *r_connection = NULL;
    if (!connection)
        return;
    buffer_free(&connection->certificates);
    guard_begin(&guard);
    assuan_release(connection->assuan);
    guard_end(&guard);
    if (connection->fd >= 0)
        close(connection->fd);
    free(connection);
}

void cardea_cancel(struct cardea *connection)
{
    atomic_store(&connection->cancelled, true);
    shutdown(connection->fd, SHUT_RDWR);
}

const char *cardea_held_by(const struct cardea *connection)
{
    return connection->held_by[0] ? connection->held_by : NULL;
}

/* What the library keeps of status lines, whatever the call makes of them. */
struct status_context {
    struct cardea *connection;
    const struct connection_call *call;
};

static gpg_error_t take_status(void *context, const char *line)
{
    const struct status_context *status = context;
    struct cardea *connection = status->connection;

    if (strncmp(line, "HELD_BY ", 8) == 0)
        text_escape(view_of(line + 8, strlen(line + 8)), connection->held_by,
                    sizeof connection->held_by);
    return status->call->status ? status->call->status(status->call->context, line) : 0;
}

gpg_error_t connection_call(struct cardea *connection, const char *command,
                            const struct connection_call *call)
{
    const struct connection_call none = { 0 };
    struct status_context status = { connection, call ? call : &none };
    struct pipe_guard guard;
    gpg_error_t err;

    call = status.call;
    connection->held_by[0] = '\0';
    guard_begin(&guard);
    err = assuan_transact(connection->assuan, command, call->data, call->context, call->inquiry,
                          call->context, take_status, &status);
    guard_end(&guard);
    if (atomic_load(&connection->cancelled))
        return gpg_error(GPG_ERR_CANCELED);
    return err;
}
