/* What the agent tells of events, and to lock it. */
#include "client/connection.h"
#include "client/event.h"

#include <string.h>
#include <time.h>

struct watch {
    struct cardea *connection;
    bool (*tell)(void *context, const struct cardea_event *event);
    void *context;
    bool ended; /* who watches has seen enough */
};

static int64_t wall_clock_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static gpg_error_t take_status(void *context, const char *line)
{
    struct watch *watch = context;
    struct cardea_event event;

    if (watch->ended || !event_read(line, &event))
        return 0;
    if (!event.time_ms) /* of what happens to the watcher, not to a card */
        event.time_ms = wall_clock_ms();
    watch->ended = !watch->tell(watch->context, &event);
    if (watch->ended)
        (void)assuan_write_line(watch->connection->assuan, "END");
    return 0;
}

gpg_error_t cardea_watch(struct cardea *connection,
                         bool (*tell)(void *context, const struct cardea_event *event),
                         void *context)
{
    struct watch watch = { .connection = connection, .tell = tell, .context = context };
    const struct connection_call call = { .status = take_status, .context = &watch };
    gpg_error_t err = connection_call(connection, "WATCH", &call);

    switch (gpg_err_code(err)) {
    case GPG_ERR_ECONNRESET:
    case GPG_ERR_EPIPE:
        return gpg_error(GPG_ERR_EOF);
    case 0: /* nobody else ends it so */
        return watch.ended ? 0 : gpg_error(GPG_ERR_EOF);
    default:
        return err;
    }
}

gpg_error_t cardea_lock(struct cardea *connection)
{
    return connection_call(connection, "LOCK", NULL);
}
