#include "agent/pin_cache.h"
#include "tests/unit/cmocka_all.h"

#define MINUTE 60000

static const struct pin_cache_policy policy = { .idle_ms = 10 * MINUTE, .max_ms = 120 * MINUTE };

static int init_library(void **state)
{
    (void)state;
    return secret_init_library() ? -1 : 0;
}

static void keep(struct pin_cache *cache, const struct pin_cache_policy *p, int64_t now)
{
    struct secret pin = { 0 };

    assert_int_equal(secret_copy(&pin, view_of("123456", 6)), 0);
    pin_cache_keep(cache, p, &pin, now);
    assert_null(pin.data);
}

static void empty_cache_never_ends(void **state)
{
    struct pin_cache cache = { 0 };

    (void)state;
    assert_true(pin_cache_end_ms(&cache, &policy) == INT64_MAX);
}

static void idle_time_runs_from_the_last_use(void **state)
{
    struct pin_cache cache = { 0 };

    (void)state;
    keep(&cache, &policy, 1000);
    assert_int_equal(pin_cache_end_ms(&cache, &policy), 1000 + 10 * MINUTE);
    pin_cache_touch(&cache, 1000 + 9 * MINUTE);
    assert_int_equal(pin_cache_end_ms(&cache, &policy), 1000 + 19 * MINUTE);
    pin_cache_wipe(&cache);
}

static void use_does_not_outlive_the_maximum(void **state)
{
    struct pin_cache cache = { 0 };

    (void)state;
    keep(&cache, &policy, 0);
    pin_cache_touch(&cache, 119 * MINUTE);
    assert_int_equal(pin_cache_end_ms(&cache, &policy), 120 * MINUTE);
    pin_cache_wipe(&cache);
}

/* The state that it opened ends as that of a PIN that is kept. */
static void unseen_pin_ends_too(void **state)
{
    struct pin_cache cache = { 0 };

    (void)state;
    keep(&cache, &policy, 0);
    pin_cache_note_unseen(&cache, 1000);
    assert_null(cache.pin.data);
    assert_int_equal(pin_cache_end_ms(&cache, &policy), 1000 + 10 * MINUTE);
    pin_cache_touch(&cache, 1000 + 9 * MINUTE);
    assert_int_equal(pin_cache_end_ms(&cache, &policy), 1000 + 19 * MINUTE);
    pin_cache_wipe(&cache);
    assert_true(pin_cache_end_ms(&cache, &policy) == INT64_MAX);
}

static void no_time_to_live_keeps_nothing(void **state)
{
    const struct pin_cache_policy none = { .idle_ms = 0, .max_ms = 120 * MINUTE };
    struct pin_cache cache = { 0 };

    (void)state;
    keep(&cache, &policy, 0);
    keep(&cache, &none, 0);
    assert_null(cache.pin.data);
}

static void wiped_cache_is_empty(void **state)
{
    struct pin_cache cache = { 0 };

    (void)state;
    keep(&cache, &policy, 0);
    pin_cache_wipe(&cache);
    assert_null(cache.pin.data);
    assert_true(pin_cache_end_ms(&cache, &policy) == INT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_cache_never_ends),
        cmocka_unit_test(idle_time_runs_from_the_last_use),
        cmocka_unit_test(use_does_not_outlive_the_maximum),
        cmocka_unit_test(no_time_to_live_keeps_nothing),
        cmocka_unit_test(unseen_pin_ends_too),
        cmocka_unit_test(wiped_cache_is_empty),
    };

    return cmocka_run_group_tests(tests, init_library, NULL);
}
