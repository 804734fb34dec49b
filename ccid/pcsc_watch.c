#include "ccid/pcsc_watch.h"
#include "ccid/board.h"
#include "ccid/lane.h"
#include "ccid/pcsc_error.h"
#include "ccid/pcsc_known.h"
#include "ccid/pcsc_service.h"

#include "base/log.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define FIRST_LOOK_MS    500
#define INTERRUPT_MS     500
#define HEAR_MS          20
#define END_MS           1000
#define SERVICE_PAUSE_MS 200 /* before a service that ended at once is asked again */

/* A service that has just made its socket may not listen yet: pauses between tries, each four times
 * the one before. */
#define FIRST_PAUSE_MS 10
#define LAST_PAUSE_MS  640

/* A reader that is added between listing the readers and falling asleep goes unnoticed with
 * services before 2.3. They come in bursts, when a service starts and when a token is plugged in:
 * after a change the first sleep is a short one. */
#define SETTLE_MS 1000

/* So often the service may wake us for nothing, one right after the other. */
#define VAIN_LOOKS_MAX 20

struct pcsc_watch {
    struct board board;
    char *filter;
    struct lane *lane;
    int kick; /* eventfd: ends the thread's pauses */

    pthread_mutex_t mutex; /* all of this part */
    pthread_cond_t heard_it;
    unsigned asked; /* the thread shall look up from what it does */
    unsigned heard; /* and did, so often */
    bool closing;
    bool sleeping; /* in the service's library, with `context` */
    SCARDCONTEXT context;
    struct pcsc_reader_state shown[PCSCLITE_MAX_READERS_CONTEXTS];
    size_t shown_count;

    /* The thread's own. */
    struct pcsc_service service;
    struct pcsc_known known;
    unsigned vain_looks;
};

static void kick(struct pcsc_watch *w)
{
    const uint64_t one = 1;

    if (write(w->kick, &one, sizeof one) < 0) {
        /* Full: readable all the same. */
    }
}

static void pause_for(struct pcsc_watch *w, int ms)
{
    struct pollfd pollfd = { .fd = w->kick, .events = POLLIN };

    poll(&pollfd, 1, ms);
}

/* Looks up from the work: true when it shall end. */
static bool is_closing(struct pcsc_watch *w)
{
    uint64_t count;
    bool closing;

    if (read(w->kick, &count, sizeof count) < 0) {
        /* Nobody kicked. */
    }
    pthread_mutex_lock(&w->mutex);
    w->heard = w->asked;
    closing = w->closing;
    pthread_cond_broadcast(&w->heard_it);
    pthread_mutex_unlock(&w->mutex);
    return closing;
}

static LONG await_change(struct pcsc_watch *w, DWORD timeout)
{
    LONG code = SCARD_E_CANCELLED;
    bool sleep;

    pthread_mutex_lock(&w->mutex);
    sleep = w->sleeping = w->heard == w->asked;
    pthread_mutex_unlock(&w->mutex);
    if (sleep)
        code = pcsc_known_await(&w->known, w->context, timeout);
    pthread_mutex_lock(&w->mutex);
    w->sleeping = false;
    pthread_mutex_unlock(&w->mutex);
    return code;
}

static bool show(struct pcsc_watch *w)
{
    pthread_mutex_lock(&w->mutex);
    memcpy(w->shown, w->known.states, sizeof w->shown);
    w->shown_count = w->known.list.count;
    pthread_mutex_unlock(&w->mutex);
    return board_publish(&w->board, &w->known.list);
}

/* Lists readers and cards and shows them. */
static LONG look(struct pcsc_watch *w, bool *news)
{
    LONG code = pcsc_known_list(&w->known, w->context);

    if (code == SCARD_S_SUCCESS)
        code = pcsc_known_await(&w->known, w->context, 0);
    if (code == SCARD_S_SUCCESS || code == SCARD_E_TIMEOUT) {
        w->known.list.service = 0;
        *news = show(w);
        code = SCARD_S_SUCCESS;
    }
    return code;
}

static bool is_harmless(LONG code)
{
    return code == SCARD_S_SUCCESS || code == SCARD_E_TIMEOUT || code == SCARD_E_CANCELLED ||
           code == SCARD_E_UNKNOWN_READER; /* it has just been unplugged */
}

/* Follows one life of the service. Returns why it ended; anything when we are closing. */
static LONG follow(struct pcsc_watch *w)
{
    bool settled = false;
    LONG code = SCARD_S_SUCCESS;

    while (!is_closing(w) && is_harmless(code)) {
        bool news = false;

        if (w->vain_looks++ > VAIN_LOOKS_MAX)
            pause_for(w, SETTLE_MS);
        code = look(w, &news);
        if (code == SCARD_S_SUCCESS)
            code = await_change(w, settled && !news ? INFINITE : SETTLE_MS);
        settled = code == SCARD_E_TIMEOUT;
        if (settled || news)
            w->vain_looks = 0;
    }
    return code;
}

static void show_no_service(struct pcsc_watch *w, gpg_err_code_t code, LONG why)
{
    pcsc_known_clear(&w->known);
    w->known.list.service = gpg_error(code);
    if (show(w))
        log_debug("PC/SC: %s", pcsc_stringify_error(why));
}

static LONG establish_once(struct pcsc_watch *w)
{
    SCARDCONTEXT context;
    LONG code = SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context);

    if (code == SCARD_S_SUCCESS) {
        pthread_mutex_lock(&w->mutex);
        w->context = context;
        pthread_mutex_unlock(&w->mutex);
    }
    return code;
}

/* Tries for a while, as long as there is a socket to try. A service that refuses us and one that
 * ends while we ask look the same; the latter does so once. */
static LONG establish(struct pcsc_watch *w)
{
    LONG code = establish_once(w);

    for (int ms = FIRST_PAUSE_MS; ms <= LAST_PAUSE_MS; ms *= 4) {
        if (code == SCARD_S_SUCCESS || !pcsc_service_has_socket(&w->service) || is_closing(w))
            break;
        if (code != SCARD_W_SECURITY_VIOLATION)
            show_no_service(w, GPG_ERR_NO_SERVICE, code);
        pause_for(w, ms);
        code = establish_once(w);
    }
    return code;
}

static void use_service(struct pcsc_watch *w)
{
    int64_t start = monotonic_ms();
    LONG code = follow(w);

    SCardReleaseContext(w->context);
    if (is_closing(w))
        return;
    show_no_service(w, GPG_ERR_NO_SERVICE, code);
    if (monotonic_ms() - start < SERVICE_PAUSE_MS)
        pause_for(w, SERVICE_PAUSE_MS);
}

static void watch_run(void *state)
{
    struct pcsc_watch *w = state;

    while (!is_closing(w)) {
        LONG code = establish_once(w);

        /* Only when it must: the kernel takes 10 ms to let go of what is watched. */
        if (code != SCARD_S_SUCCESS) {
            pcsc_service_watch(&w->service);
            code = establish(w);
        }
        if (code == SCARD_S_SUCCESS) {
            pcsc_service_unwatch(&w->service);
            use_service(w);
        } else {
            show_no_service(
                w, code == SCARD_W_SECURITY_VIOLATION ? GPG_ERR_EACCES : GPG_ERR_NO_SERVICE, code);
            pcsc_service_wait(&w->service, w->kick);
        }
    }
}

static void watch_release(void *state)
{
    struct pcsc_watch *w = state;

    pcsc_service_unwatch(&w->service);
    close(w->kick);
    pthread_cond_destroy(&w->heard_it);
    pthread_mutex_destroy(&w->mutex);
    board_destroy(&w->board);
    free(w->filter);
    free(w);
}

static gpg_error_t watch_init(struct pcsc_watch *w, const char *filter)
{
    gpg_error_t err;

    if (filter && !(w->filter = strdup(filter)))
        return gpg_error(GPG_ERR_ENOMEM);
    w->known.filter = w->filter;
    pcsc_service_init(&w->service);
    w->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (w->kick < 0)
        return gpg_error_from_syserror();
    err = board_init(&w->board, FIRST_LOOK_MS);
    if (err)
        goto leave;
    err = deadline_cond_init(&w->heard_it);
    if (err) {
        board_destroy(&w->board);
        goto leave;
    }
    pthread_mutex_init(&w->mutex, NULL);
leave:
    if (err)
        close(w->kick);
    return err;
}

gpg_error_t pcsc_watch_new(const char *filter, struct pcsc_watch **r_watch)
{
    struct pcsc_watch *w = calloc(1, sizeof *w);
    gpg_error_t err;

    if (!w)
        return gpg_error(GPG_ERR_ENOMEM);
    err = watch_init(w, filter);
    if (err) {
        free(w->filter);
        free(w);
        return err;
    }
    err = lane_new(w, watch_release, &w->lane);
    if (err) {
        watch_release(w);
        return err;
    }
    lane_post(w->lane, watch_run);
    *r_watch = w;
    return 0;
}

static void cancel(void *state)
{
    SCardCancel(*(SCARDCONTEXT *)state);
}

/* SCardCancel asks the service, which may not answer: it too is a call to walk away from. */
static bool cancel_by(SCARDCONTEXT context, struct deadline deadline)
{
    SCARDCONTEXT *state = malloc(sizeof *state);
    struct lane *lane;
    bool done;

    if (!state)
        return false;
    *state = context;
    if (lane_new(state, free, &lane)) {
        free(state);
        return false;
    }
    done = lane_run(&lane, cancel, deadline);
    lane_free(&lane, END_MS);
    return done;
}

/* Makes the thread look up. A cancel that comes before the library has fallen asleep does nothing,
 * so that it takes more than one. False when the service does not let go. */
static bool interrupt(struct pcsc_watch *w)
{
    struct deadline deadline = deadline_in_ms(INTERRUPT_MS);
    bool heard;

    pthread_mutex_lock(&w->mutex);
    w->asked++;
    kick(w);
    while (!(heard = w->heard == w->asked) && !deadline_passed(deadline)) {
        SCARDCONTEXT context = w->context;
        bool sleeping = w->sleeping;

        pthread_mutex_unlock(&w->mutex);
        if (sleeping)
            cancel_by(context, deadline);
        pthread_mutex_lock(&w->mutex);
        if (w->heard != w->asked)
            deadline_cond_wait(&w->heard_it, &w->mutex, deadline_in_ms(HEAR_MS));
    }
    pthread_mutex_unlock(&w->mutex);
    return heard;
}

void pcsc_watch_free(struct pcsc_watch **watch)
{
    struct pcsc_watch *w = *watch;
    struct lane *lane;

    if (!w)
        return;
    *watch = NULL;
    pthread_mutex_lock(&w->mutex);
    w->closing = true;
    pthread_mutex_unlock(&w->mutex);
    board_close(&w->board);
    lane = w->lane;
    lane_free(&lane, interrupt(w) ? END_MS : 0);
}

void pcsc_watch_list(struct pcsc_watch *w, struct reader_list *list)
{
    board_list(&w->board, list);
    if (list->service)
        kick(w); /* who asks is worth another try */
}

void pcsc_watch_wait(struct pcsc_watch *w)
{
    board_wait(&w->board);
}

void pcsc_watch_wake(struct pcsc_watch *w)
{
    board_wake(&w->board);
}

bool pcsc_watch_covers(const struct pcsc_watch *w, const char *reader)
{
    return pcsc_filter_covers(w->filter, reader);
}

struct view pcsc_watch_atr(struct pcsc_watch *w, const char *reader, uint8_t atr[READER_ATR_MAX])
{
    size_t len = 0;

    pthread_mutex_lock(&w->mutex);
    for (size_t i = 0; i < w->shown_count; i++) {
        if (strcmp(w->shown[i].name, reader) == 0) {
            len = w->shown[i].atr_len;
            memcpy(atr, w->shown[i].atr, len);
        }
    }
    pthread_mutex_unlock(&w->mutex);
    return view_of(atr, len);
}

void pcsc_watch_look_again(struct pcsc_watch *w)
{
    interrupt(w);
}
