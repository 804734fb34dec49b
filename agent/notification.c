#include "agent/notification.h"

#include "agent/bus.h"
#include "agent/notification_text.h"
#include "base/log.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define SERVER      "org.freedesktop.Notifications"
#define SERVER_PATH "/org/freedesktop/Notifications"

/* A token that answers by itself, or was touched before, is faster. */
#define SHOW_AFTER_MS 500

/* For a server's answer; after that it is taken to hang. */
#define ANSWER_USEC (5 * 1000000)

/* Longer than tokens wait: what stays when we end without a word goes by itself. */
#define EXPIRE_MS 60000

/* One token that waits each; a reader's card serves one request at a time. */
#define NOTICES_MAX READERS_MAX

struct notice {
    enum {
        NOTICE_FREE,
        NOTICE_WAITS, /* its time has not come, or the server is not known yet */
        NOTICE_ASKED, /* the server was asked to show it */
        NOTICE_SHOWN,
        NOTICE_OVER, /* no longer wanted; its number is not known yet */
    } state;
    struct notification *owner;
    struct event event;
    struct deadline due;
    uint32_t number; /* the server's, once shown */
};

struct notification {
    struct event_watcher *watcher;
    pthread_t thread;
    int stop_fd; /* eventfd; readable for good once it is to stop */
    /* The thread's own: */
    sd_bus *bus; /* NULL: nothing is, or is to be shown */
    enum { SERVER_UNKNOWN, SERVER_NONE, SERVER_PLAIN, SERVER_MARKUP } server;
    struct notice notices[NOTICES_MAX];
};

static void close_notice(struct notification *n, struct notice *notice)
{
    int rc = libsystemd.call_method_async(n->bus, NULL, SERVER, SERVER_PATH, SERVER,
                                          "CloseNotification", NULL, NULL, "u", notice->number);

    if (rc < 0)
        log_debug("notification: cannot be closed: %s", strerror(-rc));
    notice->state = NOTICE_FREE;
}

static int on_shown(sd_bus_message *reply, void *arg, sd_bus_error *error)
{
    struct notice *notice = arg;
    const char *refused = bus_error_of(reply);
    bool over = notice->state == NOTICE_OVER;

    (void)error;
    notice->state = NOTICE_FREE;
    if (refused || libsystemd.message_read(reply, "u", &notice->number) < 0) {
        log_debug("notification: not shown: %s", refused ? refused : "a reply without a number");
        return 0;
    }
    notice->state = NOTICE_SHOWN;
    if (over)
        close_notice(notice->owner, notice);
    return 0;
}

static int append_notice(sd_bus_message *call, const struct notification_text *text)
{
    int rc = libsystemd.message_append(call, "susssas", "Cardea", 0, "dialog-password",
                                       text->summary, text->body, 0);

    if (rc >= 0) /* 2: critical, which is shown over a full screen, too */
        rc = libsystemd.message_append(call, "a{sv}i", 2, "urgency", "y", 2, "transient", "b", 1,
                                       EXPIRE_MS);
    return rc;
}

static void show_notice(struct notification *n, struct notice *notice)
{
    struct notification_text text;
    sd_bus_message *call = NULL;
    int rc =
        libsystemd.message_new_method_call(n->bus, &call, SERVER, SERVER_PATH, SERVER, "Notify");

    notification_text_write(&notice->event, n->server == SERVER_MARKUP, &text);
    if (rc >= 0)
        rc = append_notice(call, &text);
    if (rc >= 0)
        rc = libsystemd.call_async(n->bus, NULL, call, on_shown, notice, ANSWER_USEC);
    notice->state = rc < 0 ? NOTICE_FREE : NOTICE_ASKED;
    libsystemd.message_unref(call);
}

static int on_capabilities(sd_bus_message *reply, void *arg, sd_bus_error *error)
{
    struct notification *n = arg;
    const char *refused = bus_error_of(reply), *capability;

    (void)error;
    if (refused || libsystemd.message_enter_container(reply, 'a', "s") < 0) {
        log_debug("notification: no server: %s", refused ? refused : "a reply of another kind");
        n->server = SERVER_NONE;
        return 0;
    }
    n->server = SERVER_PLAIN;
    while (libsystemd.message_read(reply, "s", &capability) > 0) {
        if (strcmp(capability, "body-markup") == 0)
            n->server = SERVER_MARKUP;
    }
    return 0;
}

static void disconnect(struct notification *n)
{
    bus_close(&n->bus);
    n->server = SERVER_UNKNOWN;
}

static bool connect_to_server(struct notification *n)
{
    int rc = bus_open_user(&n->bus);

    if (rc >= 0)
        rc = libsystemd.call_method_async(n->bus, NULL, SERVER, SERVER_PATH, SERVER,
                                          "GetCapabilities", on_capabilities, n, NULL);
    if (rc < 0)
        log_debug("notification: no session bus: %s", strerror(-rc));
    return rc >= 0;
}

/* Nothing can be shown now; what only waits for its time may have better luck. */
static void give_up(struct notification *n)
{
    disconnect(n);
    for (size_t i = 0; i < NOTICES_MAX; i++) {
        struct notice *notice = &n->notices[i];

        if (notice->state != NOTICE_WAITS || deadline_passed(notice->due))
            notice->state = NOTICE_FREE;
    }
}

static void begin_notice(struct notification *n, const struct event *event)
{
    for (size_t i = 0; i < NOTICES_MAX; i++) {
        struct notice *notice = &n->notices[i];

        if (notice->state == NOTICE_FREE) {
            *notice = (struct notice){ .state = NOTICE_WAITS,
                                       .owner = n,
                                       .event = *event,
                                       .due = deadline_in_ms(SHOW_AFTER_MS) };
            return;
        }
    }
}

static void end_notice(struct notification *n, struct notice *notice)
{
    if (notice->state == NOTICE_WAITS)
        notice->state = NOTICE_FREE;
    else if (notice->state == NOTICE_ASKED)
        notice->state = NOTICE_OVER;
    else if (notice->state == NOTICE_SHOWN)
        close_notice(n, notice);
}

/* Of the request, or all of them. */
static void end_notices(struct notification *n, unsigned long request, bool all)
{
    for (size_t i = 0; i < NOTICES_MAX; i++) {
        if (all || n->notices[i].event.request == request)
            end_notice(n, &n->notices[i]);
    }
}

static void take_events(struct notification *n)
{
    unsigned long lost;
    struct event event;

    while (event_watcher_next(n->watcher, &event, &lost)) {
        if (lost) /* an end may be among them */
            end_notices(n, 0, true);
        if (event.kind == EVENT_TOUCH_WANTED)
            begin_notice(n, &event);
        else if (event.kind == EVENT_TOUCH_DONE)
            end_notices(n, event.request, false);
    }
}

static void show_what_is_due(struct notification *n)
{
    for (size_t i = 0; i < NOTICES_MAX; i++) {
        struct notice *notice = &n->notices[i];

        if (notice->state != NOTICE_WAITS || !deadline_passed(notice->due))
            continue;
        if (!n->bus && !connect_to_server(n)) {
            give_up(n);
            return;
        }
        if (n->server != SERVER_UNKNOWN)
            show_notice(n, notice);
    }
}

/* When the next notice is due; *used: there are notices at all. */
static struct deadline next_due(const struct notification *n, bool *used)
{
    struct deadline next = deadline_never();

    *used = false;
    for (size_t i = 0; i < NOTICES_MAX; i++) {
        const struct notice *notice = &n->notices[i];

        *used = *used || notice->state != NOTICE_FREE;
        if (notice->state == NOTICE_WAITS && !deadline_passed(notice->due) &&
            notice->due.at_ms < next.at_ms)
            next = notice->due;
    }
    return next;
}

static void *notify(void *arg)
{
    struct notification *n = arg;
    struct pollfd fds[3] = { { .fd = -1 },
                             { .fd = n->stop_fd, .events = POLLIN },
                             { .fd = event_watcher_fd(n->watcher), .events = POLLIN } };

    do {
        struct deadline due;
        bool used;

        take_events(n);
        if (n->bus && (bus_serve(n->bus) < 0 || n->server == SERVER_NONE))
            give_up(n);
        show_what_is_due(n);
        due = next_due(n, &used);
        if (!used)
            disconnect(n);
        bus_wait(n->bus, fds, 3, due);
    } while (!fds[1].revents);
    end_notices(n, 0, true);
    disconnect(n);
    return NULL;
}

gpg_error_t notification_start(struct events *events, struct notification **r_notification)
{
    const unsigned kinds = EVENT_MASK(EVENT_TOUCH_WANTED) | EVENT_MASK(EVENT_TOUCH_DONE);
    struct notification *n = calloc(1, sizeof *n);
    gpg_error_t err;

    if (!n)
        return gpg_error(GPG_ERR_ENOMEM);
    n->stop_fd = eventfd(0, EFD_CLOEXEC);
    err = n->stop_fd < 0 ? gpg_error_from_syserror() : events_watch(events, kinds, &n->watcher);
    if (!err && pthread_create(&n->thread, NULL, notify, n)) {
        events_unwatch(&n->watcher);
        err = gpg_error(GPG_ERR_EAGAIN);
    }
    if (err) {
        if (n->stop_fd >= 0)
            close(n->stop_fd);
        free(n);
        return err;
    }
    *r_notification = n;
    return 0;
}

void notification_stop(struct notification **r_notification)
{
    struct notification *n = *r_notification;

    *r_notification = NULL;
    if (!n)
        return;
    eventfd_write(n->stop_fd, 1);
    pthread_join(n->thread, NULL);
    events_unwatch(&n->watcher);
    close(n->stop_fd);
    free(n);
}
