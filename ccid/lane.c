#include "ccid/lane.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The word says whose the state is: the thread's in BUSY, ABANDONED and ENDING, else the caller's.
 * Both sides sleep on it. */
enum word {
    LANE_IDLE,
    LANE_BUSY,
    LANE_ABANDONED, /* nobody waits; the thread frees the lane */
    LANE_ENDING,    /* the caller waits for the release */
    LANE_ENDED
};

struct lane {
    _Atomic uint32_t word;
    lane_call *call;
    lane_call *release;
    void *state;
    pthread_t thread;
};

static atomic_uint abandoned;

unsigned lanes_abandoned(void)
{
    return atomic_load(&abandoned);
}

/* Sleeps while the word is `value`. False when the deadline passed. */
static bool sleep_while(struct lane *lane, enum word value, struct deadline deadline)
{
    struct timespec at = { 0 };
    bool never = deadline.at_ms == INT64_MAX;

    if (!never)
        at = deadline_timespec(deadline);
    while (atomic_load_explicit(&lane->word, memory_order_acquire) == value) {
        /* With a bit set the time is absolute and monotonic. */
        long result = syscall(SYS_futex, &lane->word, FUTEX_WAIT_BITSET_PRIVATE, value,
                              never ? NULL : &at, NULL, FUTEX_BITSET_MATCH_ANY);

        if (result < 0 && errno == ETIMEDOUT)
            return false;
    }
    return true;
}

static void set_word(struct lane *lane, enum word value)
{
    atomic_store_explicit(&lane->word, value, memory_order_release);
    syscall(SYS_futex, &lane->word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/* False when the other side was faster. */
static bool change_word(struct lane *lane, enum word from, enum word to)
{
    uint32_t expected = from;

    return atomic_compare_exchange_strong_explicit(&lane->word, &expected, to, memory_order_acq_rel,
                                                   memory_order_acquire);
}

static void *lane_main(void *context)
{
    struct lane *lane = context;

    for (;;) {
        sleep_while(lane, LANE_IDLE, deadline_never());
        if (atomic_load_explicit(&lane->word, memory_order_acquire) != LANE_BUSY)
            break;
        lane->call(lane->state);
        if (!change_word(lane, LANE_BUSY, LANE_IDLE))
            break;
        syscall(SYS_futex, &lane->word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    }
    lane->release(lane->state);
    if (change_word(lane, LANE_ENDING, LANE_ENDED)) {
        syscall(SYS_futex, &lane->word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    } else {
        free(lane);
        atomic_fetch_sub(&abandoned, 1);
    }
    return NULL;
}

gpg_error_t lane_new(void *state, lane_call *release, struct lane **r_lane)
{
    struct lane *lane = calloc(1, sizeof *lane);
    sigset_t all, before;
    int error;

    if (!lane)
        return gpg_error(GPG_ERR_ENOMEM);
    lane->release = release;
    lane->state = state;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    error = pthread_create(&lane->thread, NULL, lane_main, lane);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error) {
        free(lane);
        return gpg_error_from_errno(error);
    }
    *r_lane = lane;
    return 0;
}

/* Walks away from a call that has not ended; false when it just has. */
static bool abandon(struct lane **lane, enum word from)
{
    pthread_t thread = (*lane)->thread;

    atomic_fetch_add(&abandoned, 1);
    if (!change_word(*lane, from, LANE_ABANDONED)) {
        atomic_fetch_sub(&abandoned, 1);
        return false;
    }
    pthread_detach(thread);
    *lane = NULL;
    return true;
}

bool lane_wait(struct lane *lane, struct deadline deadline)
{
    return sleep_while(lane, LANE_BUSY, deadline);
}

bool lane_ready(struct lane **lane, struct deadline deadline)
{
    return lane_wait(*lane, deadline) || !abandon(lane, LANE_BUSY);
}

void lane_post(struct lane *lane, lane_call *call)
{
    lane->call = call;
    set_word(lane, LANE_BUSY);
}

bool lane_run(struct lane **lane, lane_call *call, struct deadline deadline)
{
    if (!lane_ready(lane, deadline))
        return false;
    lane_post(*lane, call);
    return lane_ready(lane, deadline);
}

void lane_free(struct lane **lane, int wait_ms)
{
    struct deadline deadline = deadline_in_ms(wait_ms);

    if (!*lane || !lane_ready(lane, deadline))
        return;
    set_word(*lane, LANE_ENDING);
    if (!sleep_while(*lane, LANE_ENDING, deadline) && abandon(lane, LANE_ENDING))
        return;
    pthread_join((*lane)->thread, NULL);
    free(*lane);
    *lane = NULL;
}
