/* client/event.h: the lines of doc/protocol.md, and what is none of them. */
#include "client/event.h"

#include "cmocka_all.h"

#include <string.h>

static struct cardea_event read_line(const char *line)
{
    struct cardea_event event;

    memset(&event, 0x55, sizeof event);
    assert_true(event_read(line, &event));
    return event;
}

static void every_key_is_read(void **state)
{
    const struct cardea_event event =
        read_line("EVENT touch-wanted time=1763814282123 request=7 pid=4242 "
                  "client=gpg+(process+4242) reader=a%2Bb%25c card=Yubico+0006:12345678 "
                  "serial=D2000000000000000000000000000001 "
                  "keygrip=AA00000000000000000000000000000000000002 "
                  "fingerprint=BB00000000000000000000000000000000000003 policy=cached-fixed "
                  "error=100663358 from-cache=yes");

    (void)state;
    assert_string_equal(event.event, "touch-wanted");
    assert_true(event.time_ms == 1763814282123);
    assert_int_equal(event.request, 7);
    assert_int_equal(event.pid, 4242);
    assert_string_equal(event.client, "gpg (process 4242)");
    assert_string_equal(event.reader, "a+b%c");
    assert_string_equal(event.card, "Yubico 0006:12345678");
    assert_string_equal(event.serial, "D2000000000000000000000000000001");
    assert_string_equal(event.keygrip, "AA00000000000000000000000000000000000002");
    assert_string_equal(event.fingerprint, "BB00000000000000000000000000000000000003");
    assert_string_equal(event.policy, "cached-fixed");
    assert_int_equal(event.error, gpg_err_make(GPG_ERR_SOURCE_SCD, GPG_ERR_TIMEOUT));
    assert_true(event.from_cache);
    assert_int_equal(event.lost, 0);
}

static void what_is_left_out_is_empty(void **state)
{
    const struct cardea_event event = read_line("EVENT locked time=5");

    (void)state;
    assert_string_equal(event.event, "locked");
    assert_string_equal(event.client, "");
    assert_string_equal(event.policy, "");
    assert_int_equal(event.error, 0);
    assert_false(event.from_cache);
}

static void what_later_agents_add_is_passed_over(void **state)
{
    const struct cardea_event event =
        read_line("EVENT card-warmed time=5 degrees=40 bare =x reader=R  pid=1");

    (void)state;
    assert_string_equal(event.event, "card-warmed");
    assert_string_equal(event.reader, "R");
    assert_int_equal(event.pid, 1);
}

static void watching_and_lost_are_events(void **state)
{
    (void)state;
    assert_string_equal(read_line("WATCHING").event, "watching");
    assert_string_equal(read_line("LOST 12").event, "lost");
    assert_int_equal(read_line("LOST 12").lost, 12);
}

static void other_lines_are_none(void **state)
{
    static const char *const lines[] = { "",       "EVENT",   "EVENT ",      "EVENT  time=1",
                                         "LOST 0", "LOST x",  "WATCHING us", "PROGRESS 1",
                                         "LOST",   "event x", "LOST -1" };
    struct cardea_event event = { .request = 99 };

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        assert_false(event_read(lines[i], &event));
    assert_int_equal(event.request, 99);
}

static void a_terminal_gets_nothing_but_text(void **state)
{
    const struct cardea_event event = read_line("EVENT a%1B[2Jb reader=%1B]0;x%07 client=%C3%BC%");

    (void)state;
    assert_string_equal(event.event, "a?[2Jb");
    assert_string_equal(event.reader, "?]0;x?");
    assert_string_equal(event.client, "??%");
}

static void values_out_of_bounds_are_nothing(void **state)
{
    const struct cardea_event event =
        read_line("EVENT x time=99999999999999999999999 pid=-1 request=0x1 error=");

    (void)state;
    assert_true(event.time_ms == 0);
    assert_int_equal(event.pid, 0);
    assert_int_equal(event.request, 0);
    assert_int_equal(event.error, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_is_read),
        cmocka_unit_test(what_is_left_out_is_empty),
        cmocka_unit_test(what_later_agents_add_is_passed_over),
        cmocka_unit_test(watching_and_lost_are_events),
        cmocka_unit_test(other_lines_are_none),
        cmocka_unit_test(a_terminal_gets_nothing_but_text),
        cmocka_unit_test(values_out_of_bounds_are_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
