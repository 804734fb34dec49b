/* agent/events.h: every watcher gets every event, in order, or is told how many it lost. */
#include "agent/events.h"

#include "cmocka_all.h"

#include <poll.h>

static struct events *events;

static int set_up(void **state)
{
    (void)state;
    return events_new(&events) ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    events_free(&events);
    return 0;
}

static struct event_watcher *watch(void)
{
    struct event_watcher *watcher = NULL;

    assert_int_equal(events_watch(events, EVENTS_ALL, &watcher), 0);
    return watcher;
}

static void publish(unsigned long request)
{
    events_publish(events, &(struct event){ .kind = EVENT_SERVED, .request = request });
}

static bool is_readable(const struct event_watcher *watcher)
{
    struct pollfd fd = { .fd = event_watcher_fd(watcher), .events = POLLIN };

    return poll(&fd, 1, 0) == 1;
}

static void every_watcher_gets_every_event_in_order(void **state)
{
    struct event_watcher *watchers[2] = { watch(), watch() };
    struct event event;
    unsigned long lost;

    (void)state;
    for (unsigned long i = 1; i <= 3; i++)
        publish(i);
    for (int w = 0; w < 2; w++) {
        for (unsigned long i = 1; i <= 3; i++) {
            assert_true(is_readable(watchers[w]));
            assert_true(event_watcher_next(watchers[w], &event, &lost));
            assert_int_equal(event.request, i);
            assert_true(event.at_ms > 0);
            assert_int_equal(lost, 0);
        }
        assert_false(is_readable(watchers[w]));
        assert_false(event_watcher_next(watchers[w], &event, &lost));
        events_unwatch(&watchers[w]);
    }
}

static void who_comes_late_or_leaves_misses_the_rest(void **state)
{
    struct event_watcher *watcher;
    struct event event;
    unsigned long lost;

    (void)state;
    publish(1);
    watcher = watch();
    assert_false(event_watcher_next(watcher, &event, &lost));
    events_unwatch(&watcher);
    assert_null(watcher);
    publish(2);
}

static void who_does_not_keep_up_is_told_how_many_are_lost(void **state)
{
    struct event_watcher *watcher = watch();
    struct event event;
    unsigned long lost, count = 0;

    (void)state;
    for (unsigned long i = 1; i <= EVENTS_WAITING + 5; i++)
        publish(i);
    assert_true(event_watcher_next(watcher, &event, &lost));
    assert_int_equal(lost, 5);
    do {
        assert_int_equal(event.request, ++count);
    } while (event_watcher_next(watcher, &event, &lost));
    assert_int_equal(count, EVENTS_WAITING);
    assert_int_equal(lost, 0);
    events_unwatch(&watcher);
}

static void a_watcher_is_not_woken_for_what_it_does_not_want(void **state)
{
    struct event_watcher *watcher = NULL;

    (void)state;
    assert_int_equal(events_watch(events, EVENT_MASK(EVENT_TOUCH_WANTED), &watcher), 0);
    publish(1);
    assert_false(is_readable(watcher));
    events_publish(events, &(struct event){ .kind = EVENT_TOUCH_WANTED });
    assert_true(is_readable(watcher));
    events_unwatch(&watcher);
}

static void requests_are_numbered_from_1(void **state)
{
    (void)state;
    assert_int_equal(events_next_request(events), 1);
    assert_int_equal(events_next_request(events), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_watcher_gets_every_event_in_order),
        cmocka_unit_test(who_comes_late_or_leaves_misses_the_rest),
        cmocka_unit_test(who_does_not_keep_up_is_told_how_many_are_lost),
        cmocka_unit_test(a_watcher_is_not_woken_for_what_it_does_not_want),
        cmocka_unit_test(requests_are_numbered_from_1),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
