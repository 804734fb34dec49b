/* A reader made of a listening socket: a card emulator that connects is a card inserted, one that
 * closes is a card removed. One card at a time. */
#include "ccid/socket.h"

#include "base/log.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* While accept fails for want of descriptors the listener stays readable; look again later. */
#define ACCEPT_PAUSE_MS 1000
#define ACCEPT_MAX      16 /* connections looked at in one go */

static struct socket_readers *of_readers(struct readers *readers)
{
    return (struct socket_readers *)readers;
}

static void kick(struct socket_readers *s)
{
    const uint64_t one = 1;

    if (write(s->kick, &one, sizeof one) < 0) {
        /* The counter is full: it wakes all the same. */
    }
}

static void card_unref(struct socket_card *card)
{
    if (--card->references > 0)
        return;
    close(card->fd);
    explicit_bzero(card, sizeof *card);
    free(card);
}

static void card_gone(struct socket_readers *s, struct socket_card *card, const char *why)
{
    if (card->gone)
        return;
    log_debug("%s: card removed: %s", s->name, why);
    card->gone = true;
    shutdown(card->fd, SHUT_RDWR);
    if (s->card == card) {
        s->card = NULL;
        card_unref(card);
    }
    s->changes++;
    pthread_cond_broadcast(&s->let_go);
    kick(s);
}

static void notice_removal(struct socket_readers *s)
{
    struct pollfd pollfd = { .events = POLLRDHUP };

    if (!s->card)
        return;
    pollfd.fd = s->card->fd;
    if (poll(&pollfd, 1, 0) > 0)
        card_gone(s, s->card, "closed");
}

static bool peer_may(struct socket_readers *s, int fd)
{
    struct ucred peer;
    socklen_t len = sizeof peer;

    if (!socket_address_path(&s->address))
        return true; /* TCP does not say who */
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
           (peer.uid == geteuid() || peer.uid == 0);
}

static void admit(struct socket_readers *s, int fd)
{
    const int on = 1;
    struct socket_card *card;

    if (s->card || !peer_may(s, fd)) {
        log_debug("%s: connection refused: %s", s->name,
                  s->card ? "a card is inserted" : "another user's");
        close(fd);
        return;
    }
    card = calloc(1, sizeof *card);
    if (!card) {
        close(fd);
        return;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    *card = (struct socket_card){ .fd = fd, .insertion = ++s->insertions, .references = 1 };
    s->card = card;
    s->changes++;
    kick(s);
    log_debug("%s: card inserted", s->name);
}

/* Brings `card` up to date. */
static void look(struct socket_readers *s)
{
    notice_removal(s);
    for (int i = 0; i < ACCEPT_MAX; i++) {
        int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (fd >= 0) {
            notice_removal(s); /* who came later may have waited for the other to leave */
            admit(s, fd);
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            log_debug("%s: accept: %s", s->name, strerror(errno));
            s->accept_after = deadline_in_ms(ACCEPT_PAUSE_MS);
            return;
        }
    }
}

static void socket_list(struct readers *readers, struct reader_list *list)
{
    struct socket_readers *s = of_readers(readers);

    *list = (struct reader_list){ .count = 1 };
    memcpy(list->info[0].name, s->name, sizeof s->name);
    pthread_mutex_lock(&s->mutex);
    look(s);
    list->info[0].present = s->card != NULL;
    list->info[0].insertion = s->insertions;
    s->listed = s->changes;
    pthread_mutex_unlock(&s->mutex);
}

/* Blocks until look may have something to see. The card is held, so that its descriptor does not
 * become another's meanwhile. */
static void sleep_until_event(struct socket_readers *s)
{
    struct socket_card *card = s->card;
    bool paused = !deadline_passed(s->accept_after);
    struct pollfd pollfds[] = {
        { .fd = s->kick, .events = POLLIN },
        { .fd = paused ? -1 : s->listener, .events = POLLIN },
        { .fd = card ? card->fd : -1, .events = POLLRDHUP },
    };
    uint64_t count;

    if (card)
        card->references++;
    pthread_mutex_unlock(&s->mutex);
    poll(pollfds, sizeof pollfds / sizeof pollfds[0], paused ? ACCEPT_PAUSE_MS : -1);
    if (read(s->kick, &count, sizeof count) < 0) {
        /* Nobody kicked. */
    }
    pthread_mutex_lock(&s->mutex);
    if (card)
        card_unref(card);
}

static void socket_wait(struct readers *readers)
{
    struct socket_readers *s = of_readers(readers);

    pthread_mutex_lock(&s->mutex);
    s->waiting = true;
    for (;;) {
        look(s);
        if (s->woken || s->closed || s->changes != s->listed)
            break;
        sleep_until_event(s);
    }
    s->woken = s->waiting = false;
    pthread_cond_broadcast(&s->let_go);
    pthread_mutex_unlock(&s->mutex);
}

static void socket_wake(struct readers *readers)
{
    struct socket_readers *s = of_readers(readers);

    pthread_mutex_lock(&s->mutex);
    s->woken = true;
    pthread_mutex_unlock(&s->mutex);
    kick(s);
}

struct socket_card *socket_readers_card(struct socket_readers *s)
{
    struct socket_card *card;

    pthread_mutex_lock(&s->mutex);
    look(s);
    card = s->card;
    if (card)
        card->references++;
    pthread_mutex_unlock(&s->mutex);
    return card;
}

void socket_readers_unref(struct socket_readers *s, struct socket_card *card)
{
    pthread_mutex_lock(&s->mutex);
    card_unref(card);
    pthread_mutex_unlock(&s->mutex);
}

void socket_readers_remove(struct socket_readers *s, struct socket_card *card, const char *why)
{
    pthread_mutex_lock(&s->mutex);
    card_gone(s, card, why);
    pthread_mutex_unlock(&s->mutex);
}

static gpg_error_t start_listening(struct socket_readers *s)
{
    const char *path = socket_address_path(&s->address);
    gpg_error_t err;

    s->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (s->kick < 0)
        return gpg_error_from_syserror();
    err = socket_address_listen(&s->address, &s->listener);
    if (!err && path && lstat(path, &s->own))
        err = gpg_error_from_syserror();
    if (err && s->listener >= 0)
        close(s->listener);
    if (err)
        close(s->kick);
    return err;
}

static gpg_error_t socket_open(const char *argument, struct readers **r_readers)
{
    struct socket_readers *s = calloc(1, sizeof *s);
    gpg_error_t err;

    if (!s)
        return gpg_error(GPG_ERR_ENOMEM);
    s->listener = -1;
    err = argument ? socket_address_parse(argument, &s->address) : gpg_error(GPG_ERR_INV_ARG);
    if (err)
        goto leave;
    snprintf(s->name, sizeof s->name, "socket:%s", argument);
    err = deadline_cond_init(&s->let_go);
    if (err)
        goto leave;
    err = start_listening(s);
    if (err) {
        pthread_cond_destroy(&s->let_go);
        goto leave;
    }
    pthread_mutex_init(&s->mutex, NULL);
    *r_readers = &s->base;
    s = NULL;
leave:
    free(s);
    return err;
}

/* Another process may have put its own socket there since; that one stays. */
static void remove_own_path(const struct socket_readers *s)
{
    const char *path = socket_address_path(&s->address);
    struct stat st;

    if (path && lstat(path, &st) == 0 && st.st_dev == s->own.st_dev && st.st_ino == s->own.st_ino)
        unlink(path);
}

static void socket_interrupt(struct readers *readers)
{
    struct socket_readers *s = of_readers(readers);

    pthread_mutex_lock(&s->mutex);
    if (s->card)
        card_gone(s, s->card, "closing");
    pthread_mutex_unlock(&s->mutex);
}

static void socket_close(struct readers *readers)
{
    struct socket_readers *s = of_readers(readers);

    pthread_mutex_lock(&s->mutex);
    s->closed = true;
    if (s->card)
        card_gone(s, s->card, "closing");
    kick(s);
    while (s->waiting)
        pthread_cond_wait(&s->let_go, &s->mutex);
    pthread_mutex_unlock(&s->mutex);
    remove_own_path(s);
    close(s->listener);
    close(s->kick);
    pthread_cond_destroy(&s->let_go);
    pthread_mutex_destroy(&s->mutex);
    free(s);
}

const struct backend socket_backend = {
    .scheme = "socket",
    .open = socket_open,
    .close = socket_close,
    .list = socket_list,
    .wait = socket_wait,
    .wake = socket_wake,
    .interrupt = socket_interrupt,
    .connect = socket_connect,
    .disconnect = socket_disconnect,
    .begin = socket_begin,
    .end = socket_end,
    .transmit = socket_transmit,
    .reset = socket_reset,
};
