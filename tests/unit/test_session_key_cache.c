/* agent/session_key_cache.h: the same question, and nothing else, for as long as was said. */
#include "agent/session_key_cache.h"

#include "cmocka_all.h"

#include <string.h>

#define TTL 60000

static const uint8_t grip[KEYGRIP_LEN] = "one key", other_grip[KEYGRIP_LEN] = "another";

static struct session_key_cache *cache;

static int set_up(void **state)
{
    (void)state;
    return secret_init_library() || session_key_cache_new(TTL, &cache) ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    session_key_cache_free(&cache);
    return cache ? -1 : 0;
}

static struct session_key_ticket ask(const uint8_t *keygrip, const char *data)
{
    struct session_key_ticket ticket;

    session_key_cache_ask(cache, keygrip, view_of(data, strlen(data)), &ticket);
    return ticket;
}

static int64_t remember(const char *data, const char *answer, int64_t now_ms)
{
    const struct session_key_ticket ticket = ask(grip, data);
    struct secret secret = { 0 };
    int64_t end_ms;

    assert_int_equal(secret_copy(&secret, view_of(answer, strlen(answer))), 0);
    end_ms = session_key_cache_remember(cache, &ticket, &secret, now_ms);
    secret_free(&secret);
    return end_ms;
}

static bool recalls(const uint8_t *keygrip, const char *data, const char *answer, int64_t now_ms)
{
    const struct session_key_ticket ticket = ask(keygrip, data);
    struct secret secret = { 0 };
    bool recalled = session_key_cache_recall(cache, &ticket, now_ms, &secret);

    if (recalled)
        assert_true(secret_equal(secret_view(&secret), view_of(answer, strlen(answer))));
    else
        assert_null(secret.data);
    secret_free(&secret);
    return recalled;
}

static void the_same_question_is_answered(void **state)
{
    (void)state;
    assert_false(recalls(grip, "mail", "", 0));
    assert_true(remember("mail", "key", 0) == TTL);
    assert_true(recalls(grip, "mail", "key", 1));
    assert_true(recalls(grip, "mail", "key", TTL - 1));
    assert_int_equal(session_key_cache_count(cache), 1);
}

static void another_question_is_not(void **state)
{
    (void)state;
    remember("mail", "key", 0);
    assert_false(recalls(other_grip, "mail", "", 0));
    assert_false(recalls(grip, "mailx", "", 0));
    assert_false(recalls(grip, "mai", "", 0));
    assert_false(recalls(grip, "", "", 0));
}

static void time_runs_from_the_first_answer(void **state)
{
    (void)state;
    remember("mail", "key", 0);
    assert_true(remember("mail", "key", 1000) == INT64_MAX); /* it is there already */
    assert_true(recalls(grip, "mail", "key", TTL - 1));
    assert_false(recalls(grip, "mail", "", TTL));
    assert_int_equal(session_key_cache_count(cache), 0);
}

static void the_clock_ends_what_nobody_asks_for(void **state)
{
    (void)state;
    assert_true(session_key_cache_expire(cache, 0) == INT64_MAX);
    remember("a", "key a", 0);
    remember("b", "key b", 10);
    assert_true(session_key_cache_expire(cache, 5) == TTL);
    assert_true(session_key_cache_expire(cache, TTL) == TTL + 10);
    assert_int_equal(session_key_cache_count(cache), 1);
    assert_true(recalls(grip, "b", "key b", TTL));
    assert_true(session_key_cache_expire(cache, TTL + 10) == INT64_MAX);
}

static void the_oldest_goes_for_a_new_one(void **state)
{
    char mail[16], key[16];

    (void)state;
    for (int i = 0; i <= SESSION_KEYS_MAX; i++) {
        snprintf(mail, sizeof mail, "mail %d", i);
        snprintf(key, sizeof key, "key %d", i);
        remember(mail, key, i);
    }
    assert_int_equal(session_key_cache_count(cache), SESSION_KEYS_MAX);
    assert_false(recalls(grip, "mail 0", "", 300));
    assert_true(recalls(grip, "mail 1", "key 1", 300));
    assert_true(recalls(grip, "mail 256", "key 256", 300));
}

static void what_was_under_way_at_a_wipe_is_not_remembered(void **state)
{
    const struct session_key_ticket before = ask(grip, "mail");
    struct secret secret = { 0 };

    (void)state;
    remember("old", "key", 0);
    session_key_cache_wipe(cache);
    assert_false(recalls(grip, "old", "", 0));
    assert_int_equal(secret_copy(&secret, view_of("key", 3)), 0);
    assert_true(session_key_cache_remember(cache, &before, &secret, 0) == INT64_MAX);
    assert_false(recalls(grip, "mail", "", 0));
    secret_free(&secret);
    assert_true(remember("mail", "key", 0) == TTL);
}

static void long_answers_are_not_remembered(void **state)
{
    char answer[SESSION_KEY_ANSWER_MAX + 2];

    (void)state;
    memset(answer, 'x', sizeof answer);
    answer[SESSION_KEY_ANSWER_MAX + 1] = '\0';
    assert_true(remember("long", answer, 0) == INT64_MAX);
    answer[SESSION_KEY_ANSWER_MAX] = '\0';
    assert_true(remember("longest", answer, 0) == TTL);
    assert_true(recalls(grip, "longest", answer, 0));
}

static void off_means_off(void **state)
{
    (void)state;
    session_key_cache_free(&cache);
    assert_int_equal(session_key_cache_new(0, &cache), 0);
    assert_null(cache);
    assert_true(remember("mail", "key", 0) == INT64_MAX);
    assert_false(recalls(grip, "mail", "", 0));
    assert_int_equal(session_key_cache_count(cache), 0);
    assert_true(session_key_cache_expire(cache, 0) == INT64_MAX);
    session_key_cache_wipe(cache);
}

/* A full cache leaves secure memory for the agent's work: a PIN for each of 64 cards, and an RSA
 * block for each of 32 requests. */
static void room_is_left(void **state)
{
    struct secret pins[64] = { { 0 } }, blocks[32] = { { 0 } };

    the_oldest_goes_for_a_new_one(state);
    for (size_t i = 0; i < 64; i++)
        assert_int_equal(secret_new(&pins[i], 255), 0);
    for (size_t i = 0; i < 32; i++)
        assert_int_equal(secret_new(&blocks[i], 512), 0);
    for (size_t i = 0; i < 64; i++)
        secret_free(&pins[i]);
    for (size_t i = 0; i < 32; i++)
        secret_free(&blocks[i]);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_same_question_is_answered),
        TEST(another_question_is_not),
        TEST(time_runs_from_the_first_answer),
        TEST(the_clock_ends_what_nobody_asks_for),
        TEST(the_oldest_goes_for_a_new_one),
        TEST(what_was_under_way_at_a_wipe_is_not_remembered),
        TEST(long_answers_are_not_remembered),
        TEST(off_means_off),
        TEST(room_is_left),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
