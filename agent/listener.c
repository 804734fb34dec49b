#include "agent/listener.h"

#include "base/deadline.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* libassuan's context and line buffers, and our largest frames, with room to spare. */
#define SESSION_STACK_BYTES (512 * 1024)

/* Memory that so many clients needed goes back to the system when an eighth of them is left. */
#define CROWD 64

/* How long to let alone a queue of clients of which none can be accepted. */
#define ACCEPT_PAUSE_MS 100

struct connection {
    struct listener *listener;
    struct connection *next, **previous;
    int fd; /* -1 once the session closes it; under the listener's mutex */
    pid_t pid;
    uid_t uid;
};

struct listener {
    struct agent *agent;
    int listen_fd;
    int spare_fd; /* given up for a moment to refuse a client when descriptors run out */
    pthread_t thread;
    bool accepting; /* the thread is to be joined */

    pthread_mutex_t mutex;
    pthread_cond_t ended;
    struct connection *connections;
    int count;
    int most; /* that there were, since memory was given back */
};

/* Under the mutex. True when memory is to be given back. */
static bool crowd_has_left(struct listener *listener)
{
    if (listener->most < CROWD || listener->count > listener->most / 8)
        return false;
    listener->most = listener->count;
    return true;
}

static void forget(struct connection *connection)
{
    struct listener *listener = connection->listener;
    bool has_left;

    pthread_mutex_lock(&listener->mutex);
    *connection->previous = connection->next;
    if (connection->next)
        connection->next->previous = connection->previous;
    listener->count--;
    has_left = crowd_has_left(listener);
    pthread_cond_signal(&listener->ended);
    pthread_mutex_unlock(&listener->mutex);
    free(connection);
#ifdef __GLIBC__
    if (has_left)
        malloc_trim(0);
#else
    (void)has_left;
#endif
}

/* The descriptor is about to be closed, and its number may be another's at once. */
static void hide_descriptor(void *arg)
{
    struct connection *connection = arg;

    pthread_mutex_lock(&connection->listener->mutex);
    connection->fd = -1;
    pthread_mutex_unlock(&connection->listener->mutex);
}

static void *serve(void *arg)
{
    struct connection *connection = arg;
    const struct session_peer peer = { .fd = connection->fd,
                                       .pid = connection->pid,
                                       .uid = connection->uid,
                                       .before_close = hide_descriptor,
                                       .context = connection };

    session_serve(connection->listener->agent, &peer);
    forget(connection);
    return NULL;
}

/* A line that an Assuan client understands instead of a greeting. */
static void refuse(int fd, gpg_err_code_t code, const char *why)
{
    char line[128];
    int len = snprintf(line, sizeof line, "ERR %u %s <Cardea>\n",
                       gpg_err_make(GPG_ERR_SOURCE_GPGAGENT, code), why);

    (void)!send(fd, line, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL);
    close(fd);
}

static bool is_allowed(int fd, struct ucred *peer)
{
    socklen_t len = sizeof *peer;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, peer, &len)) {
        log_warning("a client without credentials was refused: %s", strerror(errno));
        return false;
    }
    if (peer->uid == geteuid() || peer->uid == 0)
        return true;
    log_warning("process %ld of user %ld was refused: this agent serves user %ld only",
                (long)peer->pid, (long)peer->uid, (long)geteuid());
    return false;
}

static bool add(struct listener *listener, struct connection *connection)
{
    bool full;

    pthread_mutex_lock(&listener->mutex);
    full = listener->count >= listener->agent->config->max_connections;
    if (!full) {
        connection->next = listener->connections;
        connection->previous = &listener->connections;
        if (connection->next)
            connection->next->previous = &connection->next;
        listener->connections = connection;
        listener->count++;
        if (listener->most < listener->count)
            listener->most = listener->count;
    }
    pthread_mutex_unlock(&listener->mutex);
    return !full;
}

static bool start_thread(struct connection *connection)
{
    pthread_attr_t attributes;
    pthread_t thread;
    bool started;

    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, SESSION_STACK_BYTES);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    started = pthread_create(&thread, &attributes, serve, connection) == 0;
    pthread_attr_destroy(&attributes);
    return started;
}

static void welcome(struct listener *listener, int fd)
{
    struct connection *connection;
    struct ucred peer;

    if (!is_allowed(fd, &peer)) {
        refuse(fd, GPG_ERR_FORBIDDEN, "not your agent");
        return;
    }
    connection = calloc(1, sizeof *connection);
    if (!connection) {
        refuse(fd, GPG_ERR_ENOMEM, "out of memory");
        return;
    }
    *connection =
        (struct connection){ .listener = listener, .fd = fd, .pid = peer.pid, .uid = peer.uid };
    if (!add(listener, connection)) {
        log_warning("process %ld was refused: %d connections are open", (long)peer.pid,
                    listener->agent->config->max_connections);
        refuse(fd, GPG_ERR_RESOURCE_LIMIT, "too many connections");
        free(connection);
    } else if (!start_thread(connection)) {
        refuse(fd, GPG_ERR_EAGAIN, "no thread for this connection");
        forget(connection);
    }
}

/* Out of descriptors the waiting client would make every accept fail at once: serve it a refusal
 * with the descriptor that was kept for this. False when even that one was gone. */
static bool refuse_for_want_of_descriptors(struct listener *listener)
{
    int fd;

    if (listener->spare_fd >= 0)
        close(listener->spare_fd);
    fd = accept4(listener->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) {
        log_warning("a client was refused: out of file descriptors");
        refuse(fd, GPG_ERR_EMFILE, "too many open files");
    }
    listener->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return fd >= 0;
}

/* True when a client was accepted, to be served or to be refused. */
static bool accept_client(struct listener *listener)
{
    int fd = accept4(listener->listen_fd, NULL, NULL, SOCK_CLOEXEC);

    if (fd >= 0)
        welcome(listener, fd);
    else if (errno == EMFILE || errno == ENFILE)
        return refuse_for_want_of_descriptors(listener);
    return fd >= 0;
}

static void *accept_clients(void *arg)
{
    struct listener *listener = arg;
    struct pollfd fds[2] = { { .fd = listener->agent->stop_fd, .events = POLLIN },
                             { .fd = listener->listen_fd, .events = POLLIN } };

    for (;;) {
        if (poll(fds, 2, -1) < 0)
            continue;
        if (fds[0].revents)
            return NULL;
        /* Who cannot be accepted stays in the queue and would be seen again at once. */
        if (!accept_client(listener) && poll(fds, 1, ACCEPT_PAUSE_MS) > 0)
            return NULL;
    }
}

gpg_error_t listener_start(struct agent *agent, int listen_fd, struct listener **r_listener)
{
    struct listener *listener = calloc(1, sizeof *listener);
    pthread_condattr_t monotonic;

    if (!listener)
        return gpg_error(GPG_ERR_ENOMEM);
    listener->agent = agent;
    listener->listen_fd = listen_fd;
    listener->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    pthread_mutex_init(&listener->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&listener->ended, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (pthread_create(&listener->thread, NULL, accept_clients, listener)) {
        close(listener->spare_fd);
        pthread_cond_destroy(&listener->ended);
        pthread_mutex_destroy(&listener->mutex);
        free(listener);
        return gpg_error(GPG_ERR_EAGAIN);
    }
    listener->accepting = true;
    *r_listener = listener;
    return 0;
}

static bool wait_for_all(struct listener *listener, struct deadline deadline)
{
    struct timespec until = deadline_timespec(deadline);
    bool all_ended;
    int failed = 0;

    pthread_mutex_lock(&listener->mutex);
    for (struct connection *c = listener->connections; c; c = c->next) {
        if (c->fd >= 0)
            shutdown(c->fd, SHUT_RDWR);
    }
    while (listener->count > 0 && !failed)
        failed = pthread_cond_timedwait(&listener->ended, &listener->mutex, &until);
    all_ended = listener->count == 0;
    pthread_mutex_unlock(&listener->mutex);
    return all_ended;
}

bool listener_stop(struct listener **r_listener, int wait_ms)
{
    struct listener *listener = *r_listener;

    if (!listener)
        return true;
    if (listener->accepting)
        pthread_join(listener->thread, NULL);
    listener->accepting = false;
    if (!wait_for_all(listener, deadline_in_ms(wait_ms)))
        return false;
    close(listener->spare_fd);
    pthread_cond_destroy(&listener->ended);
    pthread_mutex_destroy(&listener->mutex);
    free(listener);
    *r_listener = NULL;
    return true;
}
