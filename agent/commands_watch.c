/* WATCH and LOCK: to see what happens, and to end what stands open. */
#include "agent/event_line.h"
#include "agent/session.h"

#include <poll.h>
#include <stdio.h>

enum watch_end { WATCH_GOES_ON, WATCH_ENDED, WATCH_AGENT_STOPS };

/* Sleeps until there is something to tell, or the client says anything or leaves. */
static enum watch_end wait_for_event(const struct session *session,
                                     const struct event_watcher *watcher)
{
    struct pollfd fds[] = { { .fd = session->agent->stop_fd, .events = POLLIN },
                            { .fd = session->fd, .events = POLLIN },
                            { .fd = event_watcher_fd(watcher), .events = POLLIN } };

    /* What the client sent behind WATCH may be read already. */
    if (assuan_pending_line(session->assuan))
        return WATCH_ENDED;
    if (poll(fds, sizeof fds / sizeof *fds, -1) < 0)
        return WATCH_GOES_ON;
    if (fds[0].revents)
        return WATCH_AGENT_STOPS;
    return fds[1].revents ? WATCH_ENDED : WATCH_GOES_ON;
}

static gpg_error_t send_lost(assuan_context_t assuan, unsigned long lost)
{
    char text[24];

    if (!lost)
        return 0;
    snprintf(text, sizeof text, "%lu", lost);
    return assuan_write_status(assuan, "LOST", text);
}

static gpg_error_t send_waiting(assuan_context_t assuan, struct event_watcher *watcher)
{
    char line[EVENT_LINE_MAX];
    struct event event;
    unsigned long lost;
    gpg_error_t err = 0;

    while (!err && event_watcher_next(watcher, &event, &lost)) {
        err = send_lost(assuan, lost);
        if (!err)
            err = assuan_write_status(assuan, "EVENT", event_line(&event, line));
    }
    return err;
}

/* The line that ended it has said all that it has to say. */
static gpg_error_t read_last_line(assuan_context_t assuan)
{
    char *line;
    size_t len;

    return assuan_read_line(assuan, &line, &len);
}

static gpg_error_t cmd_watch(assuan_context_t assuan, char *line)
{
    struct session *session = session_of(assuan);
    struct event_watcher *watcher = NULL;
    enum watch_end end = WATCH_GOES_ON;
    gpg_error_t err = events_watch(session->agent->events, EVENTS_ALL, &watcher);

    (void)line;
    if (!err)
        err = assuan_write_status(assuan, "WATCHING", NULL);
    while (!err && end == WATCH_GOES_ON) {
        end = wait_for_event(session, watcher);
        err = send_waiting(assuan, watcher);
    }
    if (!err)
        err = end == WATCH_ENDED ? read_last_line(assuan) : gpg_error(GPG_ERR_EOF);
    events_unwatch(&watcher);
    return session_error(err);
}

static gpg_error_t cmd_lock(assuan_context_t assuan, char *line)
{
    (void)line;
    cards_lock_all(session_of(assuan)->agent->cards);
    return 0;
}

const struct session_command session_watch_commands[] = {
    { "WATCH", cmd_watch,
      "WATCH\nTells events as they happen, until the client sends a line, such as END." },
    { "LOCK", cmd_lock, "LOCK\nForgets PINs, and on the tokens that they were verified." },
    { NULL, NULL, NULL }
};
