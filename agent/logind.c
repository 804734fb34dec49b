#include "agent/logind.h"

#include "agent/bus.h"
#include "base/log.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define LOGIND    "org.freedesktop.login1"
#define MANAGER   "/org/freedesktop/login1"
#define SESSION   LOGIND ".Session"
#define FROM      "type='signal',sender='" LOGIND "',"
#define OF_LOGIND FROM "path='" MANAGER "',interface='" LOGIND ".Manager',"

/* The first prompt comes first: to connect takes longer than to show it, less than to answer. */
#define AFTER_PROMPT_MS 200

/* Between two looks for a bus that was lost; and how long one lasts that is well. */
#define RETRY_FIRST_MS 1000
#define RETRY_LAST_MS  (1000 * 1024)
#define STEADY_MS      60000

struct logind {
    struct cards *cards;
    struct event_watcher *prompts;
    pthread_t thread;
    int stop_fd; /* eventfd; readable for good once it is to stop */
    /* The thread's own: */
    sd_bus *bus;
    int inhibitor_fd; /* the machine sleeps only once this is closed; -1: it does not wait for us */
};

static void set_inhibitor(struct logind *logind, int fd)
{
    if (logind->inhibitor_fd >= 0)
        close(logind->inhibitor_fd);
    logind->inhibitor_fd = fd;
}

static int on_inhibited(sd_bus_message *reply, void *arg, sd_bus_error *error)
{
    const char *refused = bus_error_of(reply);
    int fd;

    (void)error;
    if (refused)
        log_debug("logind: sleep will not wait for us: %s", refused);
    else if (libsystemd.message_read(reply, "h", &fd) >= 0)
        set_inhibitor(arg, fcntl(fd, F_DUPFD_CLOEXEC, 0));
    return 0;
}

/* Does not start a logind where there is none. */
static void inhibit_sleep(struct logind *logind)
{
    sd_bus_message *call = NULL;
    int rc = libsystemd.message_new_method_call(logind->bus, &call, LOGIND, MANAGER,
                                                LOGIND ".Manager", "Inhibit");

    if (rc >= 0)
        rc = libsystemd.message_set_auto_start(call, false);
    if (rc >= 0)
        rc = libsystemd.message_append(call, "ssss", "sleep", "cardea-agent", "to forget PINs",
                                       "delay");
    if (rc >= 0)
        rc = libsystemd.call_async(logind->bus, NULL, call, on_inhibited, logind, 0);
    if (rc < 0)
        log_debug("logind: cannot ask to delay sleep: %s", strerror(-rc));
    libsystemd.message_unref(call);
}

static void forget_pins(struct logind *logind, const char *why)
{
    log_info("%s: PINs are asked for anew", why);
    cards_lock_all(logind->cards);
}

static int on_sleep(sd_bus_message *message, void *arg, sd_bus_error *error)
{
    struct logind *logind = arg;
    int begins;

    (void)error;
    if (libsystemd.message_read(message, "b", &begins) < 0)
        return 0;
    /* After the sleep once more: a PIN may have been typed between the first time and the sleep. */
    forget_pins(logind, begins ? "the machine is about to sleep" : "the machine has slept");
    if (begins)
        set_inhibitor(logind, -1);
    else
        inhibit_sleep(logind);
    return 0;
}

/* logind came, or comes again after its own end. */
static int on_owner(sd_bus_message *message, void *arg, sd_bus_error *error)
{
    const char *name, *before, *now;

    (void)error;
    if (libsystemd.message_read(message, "sss", &name, &before, &now) >= 0 && *now)
        inhibit_sleep(arg);
    return 0;
}

/* A session that nobody can ask about any more may have been ours. */
static int on_user(sd_bus_message *reply, void *arg, sd_bus_error *error)
{
    uint32_t uid;

    (void)error;
    if (bus_error_of(reply) || libsystemd.message_enter_container(reply, 'v', "(uo)") < 0 ||
        libsystemd.message_enter_container(reply, 'r', "uo") < 0 ||
        libsystemd.message_read(reply, "u", &uid) < 0 || uid == getuid())
        forget_pins(arg, "the screen is locked");
    return 0;
}

static void ask_whose(struct logind *logind, sd_bus_message *message)
{
    int rc = libsystemd.call_method_async(
        logind->bus, NULL, LOGIND, libsystemd.message_get_path(message),
        "org.freedesktop.DBus.Properties", "Get", on_user, logind, "ss", SESSION, "User");

    if (rc < 0)
        forget_pins(logind, "a screen is locked");
}

static int on_lock(sd_bus_message *message, void *arg, sd_bus_error *error)
{
    (void)error;
    ask_whose(arg, message);
    return 0;
}

/* One entry of a dictionary; true when it says that the screen is locked. */
static bool says_locked(sd_bus_message *message)
{
    const char *name;
    int locked = false;

    if (libsystemd.message_read(message, "s", &name) < 0)
        return false;
    if (strcmp(name, "LockedHint") == 0)
        (void)libsystemd.message_read(message, "v", "b", &locked);
    else
        (void)libsystemd.message_skip(message, "v");
    return locked;
}

static int on_change(sd_bus_message *message, void *arg, sd_bus_error *error)
{
    bool locked = false;

    (void)error;
    if (libsystemd.message_skip(message, "s") < 0 ||
        libsystemd.message_enter_container(message, 'a', "{sv}") < 0)
        return 0;
    while (libsystemd.message_enter_container(message, 'e', "sv") > 0) {
        locked = says_locked(message) || locked;
        if (libsystemd.message_exit_container(message) < 0)
            break;
    }
    if (locked)
        ask_whose(arg, message);
    return 0;
}

static int subscribe(struct logind *logind)
{
    static const struct {
        const char *rule;
        sd_bus_message_handler_t handler;
    } signals[] = {
        { OF_LOGIND "member='PrepareForSleep'", on_sleep },
        { FROM "interface='" SESSION "',member='Lock'", on_lock },
        { FROM "interface='org.freedesktop.DBus.Properties',member='PropertiesChanged',"
               "arg0='" SESSION "'",
          on_change },
        { "type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',"
          "member='NameOwnerChanged',arg0='" LOGIND "'",
          on_owner },
    };
    int rc = 0;

    for (size_t i = 0; i < sizeof signals / sizeof *signals && rc >= 0; i++)
        rc = libsystemd.add_match_async(logind->bus, NULL, signals[i].rule, signals[i].handler,
                                        NULL, logind);
    return rc;
}

static void disconnect(struct logind *logind)
{
    set_inhibitor(logind, -1);
    bus_close(&logind->bus);
}

static bool connect_to_bus(struct logind *logind)
{
    int rc = bus_open_system(&logind->bus);

    if (rc >= 0)
        rc = subscribe(logind);
    if (rc >= 0) {
        inhibit_sleep(logind);
        return true;
    }
    log_debug("logind: no system bus: %s", strerror(-rc));
    disconnect(logind);
    return false;
}

/* Until the limit, or for good. True when it is to stop. */
static bool wait_for_stop(struct logind *logind, struct deadline limit)
{
    struct pollfd fds[2] = { { .fd = -1 }, { .fd = logind->stop_fd, .events = POLLIN } };

    bus_wait(logind->bus, fds, 2, limit);
    return fds[1].revents != 0;
}

/* Until the connection is lost (false) or it is to stop. */
static bool serve(struct logind *logind)
{
    for (;;) {
        int rc = bus_serve(logind->bus);

        if (rc < 0) {
            log_debug("logind: the system bus is lost: %s", strerror(-rc));
            return false;
        }
        if (wait_for_stop(logind, deadline_never()))
            return true;
    }
}

/* False when it is to stop. */
static bool await_first_prompt(struct logind *logind)
{
    struct pollfd fds[2] = { { .fd = logind->stop_fd, .events = POLLIN },
                             { .fd = event_watcher_fd(logind->prompts), .events = POLLIN } };

    while (poll(fds, 2, -1) < 0) {
    }
    return !fds[0].revents && poll(fds, 1, AFTER_PROMPT_MS) <= 0;
}

static void *listen_to_logind(void *arg)
{
    struct logind *logind = arg;
    int64_t pause_ms = RETRY_FIRST_MS;
    bool stopping = !await_first_prompt(logind);

    events_unwatch(&logind->prompts);
    stopping = stopping || !connect_to_bus(logind);
    while (!stopping) {
        int64_t begun = monotonic_ms();

        if (logind->bus)
            stopping = serve(logind);
        if (logind->bus && monotonic_ms() - begun >= STEADY_MS)
            pause_ms = RETRY_FIRST_MS;
        disconnect(logind);
        stopping = stopping || wait_for_stop(logind, deadline_in_ms(pause_ms));
        pause_ms = pause_ms < RETRY_LAST_MS ? 2 * pause_ms : RETRY_LAST_MS;
        if (!stopping)
            (void)connect_to_bus(logind);
    }
    return NULL;
}

gpg_error_t logind_start(struct cards *cards, struct events *events, struct logind **r_logind)
{
    struct logind *logind = calloc(1, sizeof *logind);
    gpg_error_t err;

    if (!logind)
        return gpg_error(GPG_ERR_ENOMEM);
    logind->cards = cards;
    logind->inhibitor_fd = -1;
    logind->stop_fd = eventfd(0, EFD_CLOEXEC);
    err = logind->stop_fd < 0
              ? gpg_error_from_syserror()
              : events_watch(events, EVENT_MASK(EVENT_PIN_WANTED), &logind->prompts);
    if (!err && pthread_create(&logind->thread, NULL, listen_to_logind, logind)) {
        events_unwatch(&logind->prompts);
        err = gpg_error(GPG_ERR_EAGAIN);
    }
    if (err) {
        if (logind->stop_fd >= 0)
            close(logind->stop_fd);
        free(logind);
        return err;
    }
    *r_logind = logind;
    return 0;
}

void logind_stop(struct logind **r_logind)
{
    struct logind *logind = *r_logind;

    *r_logind = NULL;
    if (!logind)
        return;
    eventfd_write(logind->stop_fd, 1);
    pthread_join(logind->thread, NULL);
    close(logind->stop_fd);
    free(logind);
}
