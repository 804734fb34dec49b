#include "ccid/lane.h"
#include "tests/unit/cmocka_all.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SOON  5000 /* ms; longer than anything that works takes */
#define BRIEF 30   /* ms that a deadline lasts which is meant to pass */

/* Blocks until opened, like a call into a service that does not answer. */
struct gate {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool open;
    atomic_uint entered;
};

struct work {
    unsigned calls;
    char secret[32];
};

static struct gate gate = { .mutex = PTHREAD_MUTEX_INITIALIZER,
                            .changed = PTHREAD_COND_INITIALIZER };
static atomic_uint released;

static void set_gate(bool open)
{
    pthread_mutex_lock(&gate.mutex);
    gate.open = open;
    pthread_cond_broadcast(&gate.changed);
    pthread_mutex_unlock(&gate.mutex);
}

static void pass_gate(void *state)
{
    struct work *work = state;

    pthread_mutex_lock(&gate.mutex);
    gate.entered++;
    while (!gate.open)
        pthread_cond_wait(&gate.changed, &gate.mutex);
    pthread_mutex_unlock(&gate.mutex);
    work->calls++;
    snprintf(work->secret, sizeof work->secret, "written after all");
}

static void count(void *state)
{
    ((struct work *)state)->calls++;
}

static void release(void *state)
{
    struct work *work = state;

    explicit_bzero(work, sizeof *work);
    free(work);
    released++;
}

static void release_slowly(void *state)
{
    struct work *work = state;

    pass_gate(work);
    release(work);
}

static struct lane *new_lane(lane_call *how, struct work **r_work)
{
    struct lane *lane = NULL;
    struct work *work = calloc(1, sizeof *work);

    assert_non_null(work);
    assert_int_equal(lane_new(work, how, &lane), 0);
    *r_work = work;
    return lane;
}

static int reset(void **state)
{
    (void)state;
    set_gate(false);
    gate.entered = 0;
    released = 0;
    return 0;
}

static void await(atomic_uint *value, unsigned wanted)
{
    while (atomic_load(value) != wanted)
        usleep(1000);
}

static int open_gate(void **state)
{
    (void)state;
    set_gate(true);
    while (lanes_abandoned() > 0)
        usleep(1000);
    return 0;
}

static void calls_run_in_turn(void **state)
{
    struct work *work;
    struct lane *lane = new_lane(release, &work);

    (void)state;
    for (unsigned i = 1; i <= 1000; i++) {
        assert_true(lane_run(&lane, count, deadline_in_ms(SOON)));
        assert_int_equal(work->calls, i);
    }
    lane_free(&lane, SOON);
    assert_null(lane);
    assert_int_equal(released, 1);
    lane_free(&lane, SOON);
}

static void posted_call_comes_before_the_next(void **state)
{
    struct work *work;
    struct lane *lane = new_lane(release, &work);

    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        lane_post(lane, count);
        assert_true(lane_run(&lane, count, deadline_never()));
        assert_int_equal(work->calls, 2 * i + 2);
    }
    lane_post(lane, count);
    assert_true(lane_ready(&lane, deadline_in_ms(SOON)));
    assert_int_equal(work->calls, 201);
    lane_post(lane, count);
    lane_free(&lane, SOON);
    assert_int_equal(released, 1);
}

static void deadline_ends_the_wait_not_the_call(void **state)
{
    int64_t start = monotonic_ms();
    struct work *work;
    struct lane *lane = new_lane(release, &work);

    (void)state;
    assert_false(lane_run(&lane, pass_gate, deadline_in_ms(BRIEF)));
    assert_true(monotonic_ms() - start >= BRIEF);
    assert_null(lane);
    assert_int_equal(lanes_abandoned(), 1);
    assert_int_equal(released, 0);
    set_gate(true);
    await(&released, 1);
}

static void posted_call_counts_against_the_deadline(void **state)
{
    struct work *work;
    struct lane *lane = new_lane(release, &work);

    (void)state;
    lane_post(lane, pass_gate);
    assert_false(lane_ready(&lane, deadline_in_ms(BRIEF)));
    assert_null(lane);
    lane = new_lane(release, &work);
    lane_post(lane, pass_gate);
    assert_false(lane_run(&lane, count, deadline_in_ms(BRIEF)));
    assert_null(lane);
}

static void free_does_not_wait_for_ever(void **state)
{
    struct work *work;
    struct lane *lane = new_lane(release, &work);

    (void)state;
    lane_post(lane, pass_gate);
    await(&gate.entered, 1);
    lane_free(&lane, BRIEF);
    assert_null(lane);
    assert_int_equal(lanes_abandoned(), 1);
    lane = new_lane(release_slowly, &work);
    lane_free(&lane, BRIEF);
    assert_null(lane);
    assert_int_equal(lanes_abandoned(), 2);
    set_gate(true);
    await(&released, 2);
}

static void many_lanes_abandoned_as_they_end(void **state)
{
    enum { ROUNDS = 300 };

    (void)state;
    set_gate(true);
    for (int i = 0; i < ROUNDS; i++) {
        struct work *work;
        struct lane *lane = new_lane(release, &work);

        /* Now the caller, now the thread is the first. */
        if (lane_run(&lane, pass_gate, deadline_in_ms(i % 2)))
            lane_free(&lane, i % 3 ? 0 : SOON);
        assert_null(lane);
    }
    await(&released, ROUNDS);
}

static void *use_lane(void *context)
{
    (void)context;
    for (int i = 0; i < 20; i++) {
        struct work *work;
        struct lane *lane = new_lane(release, &work);

        for (int call = 0; lane && call < 50; call++)
            lane_run(&lane, call % 2 ? count : pass_gate, deadline_in_ms(i % 4 ? SOON : 1));
        lane_free(&lane, SOON);
    }
    return NULL;
}

static void many_lanes_at_once(void **state)
{
    pthread_t threads[8];

    (void)state;
    set_gate(true);
    for (size_t i = 0; i < 8; i++)
        pthread_create(&threads[i], NULL, use_lane, NULL);
    for (size_t i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    await(&released, 160);
}

static void look_at_signals(void *state)
{
    struct work *work = state;
    sigset_t blocked;

    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    work->calls =
        (unsigned)sigismember(&blocked, SIGTERM) + (unsigned)sigismember(&blocked, SIGHUP);
}

static void lane_takes_no_signals(void **state)
{
    struct work *work;
    struct lane *lane = new_lane(release, &work);
    sigset_t blocked;

    (void)state;
    assert_true(lane_run(&lane, look_at_signals, deadline_never()));
    assert_int_equal(work->calls, 2);
    lane_free(&lane, SOON);
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    assert_false(sigismember(&blocked, SIGTERM));
}

static int compare(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;

    return *x < *y ? -1 : *x > *y;
}

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* No limit: it depends on the machine. The number is for who changes the hand-off. */
static void cost_of_a_call(void **state)
{
    enum { CALLS = 2001 };
    static int64_t times[CALLS];
    struct work *work;
    struct lane *lane = new_lane(release, &work);

    (void)state;
    for (int i = 0; i < CALLS; i++) {
        int64_t start = now_ns();

        assert_true(lane_run(&lane, count, deadline_in_ms(SOON)));
        times[i] = now_ns() - start;
    }
    qsort(times, CALLS, sizeof times[0], compare);
    print_message("a call that does nothing: median %.1f us, 99 %% below %.1f us\n",
                  (double)times[CALLS / 2] / 1000, (double)times[CALLS * 99 / 100] / 1000);
    lane_free(&lane, SOON);
}

#define LANE_TEST(test) cmocka_unit_test_setup_teardown(test, reset, open_gate)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LANE_TEST(calls_run_in_turn),
        LANE_TEST(posted_call_comes_before_the_next),
        LANE_TEST(deadline_ends_the_wait_not_the_call),
        LANE_TEST(posted_call_counts_against_the_deadline),
        LANE_TEST(free_does_not_wait_for_ever),
        LANE_TEST(many_lanes_abandoned_as_they_end),
        LANE_TEST(many_lanes_at_once),
        LANE_TEST(lane_takes_no_signals),
        LANE_TEST(cost_of_a_call),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
