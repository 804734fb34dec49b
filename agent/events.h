/* What happens with cards and requests, told as it happens to whoever watches: WATCH on the socket,
 * the desktop. Nothing secret is in an event.
 *
 * Publishing never waits. A watcher that does not keep up loses the events that it has no room for
 * any more, and is told how many. */
#pragma once

#include "apdu/application_data.h"
#include "base/bytes.h"
#include "ccid/reader.h"

#include <sys/types.h>

#define EVENT_CLIENT_MAX 160 /* octets with the NUL, as of the next two */
#define EVENT_CARD_MAX   96
#define EVENTS_WAITING   64 /* of one watcher */

enum event_kind {
    EVENT_CARD_IN, /* the reader alone is known: no card is asked before it is needed */
    EVENT_CARD_OUT,
    EVENT_INSERT_WANTED, /* a human is asked for a card that is not in */
    EVENT_INSERT_DONE,   /* and no longer */
    EVENT_PIN_WANTED,
    EVENT_PIN_DONE,
    EVENT_TOUCH_WANTED, /* sent to a card whose policy says touch: it may wait for one */
    EVENT_TOUCH_DONE,
    EVENT_SERVED,
    EVENT_FAILED, /* `err` says why */
    EVENT_LOCKED, /* PINs and verified states of all cards were dropped */
};

#define EVENT_MASK(kind) (1u << (kind))
#define EVENTS_ALL       (~0u)

/* What is not known is 0 or "". */
struct event {
    enum event_kind kind;
    int64_t at_ms;         /* since 1970 */
    unsigned long request; /* numbers the agent's requests from 1 */
    pid_t client_pid;
    char client[EVENT_CLIENT_MAX];
    char reader[READER_NAME_MAX];
    char card[EVENT_CARD_MAX]; /* "Yubico 0006:12345678" */
    uint8_t aid[16];           /* as are the next two: all 0 when not known */
    uint8_t keygrip[20];
    uint8_t fingerprint[20];
    enum touch_policy touch; /* of the key */
    gpg_error_t err;
    bool from_cache; /* EVENT_SERVED without a card */
};

struct events;
struct event_watcher;

gpg_error_t events_new(struct events **r_events);

/* Nobody watches any more. Accepts NULL, clears the pointer. */
void events_free(struct events **events);

/* Copies the event to every watcher, with the time. */
void events_publish(struct events *events, const struct event *event);

/* A number for a request that begins. */
unsigned long events_next_request(struct events *events);

/* kinds: a mask of EVENT_MASK(…). Of others the watcher is not woken. */
gpg_error_t events_watch(struct events *events, unsigned kinds, struct event_watcher **r_watcher);
void events_unwatch(struct event_watcher **watcher);

/* Readable while events wait; belongs to the watcher. */
int event_watcher_fd(const struct event_watcher *watcher);

/* False when none waits. *lost counts the events lost since the last call. */
bool event_watcher_next(struct event_watcher *watcher, struct event *event, unsigned long *lost);
