/* agent/event_line.h against the lines of doc/protocol.md. */
#include "agent/event_line.h"

#include "cmocka_all.h"

#include <string.h>

static void check(const struct event *event, const char *expected)
{
    char line[EVENT_LINE_MAX];

    assert_string_equal(event_line(event, line), expected);
}

static void what_is_not_known_is_left_out(void **state)
{
    (void)state;
    check(&(struct event){ .kind = EVENT_LOCKED, .at_ms = 1763814282123 },
          "locked time=1763814282123");
    check(&(struct event){ .kind = EVENT_CARD_IN, .at_ms = 1, .reader = "Yubico YubiKey" },
          "card-in time=1 reader=Yubico+YubiKey");
}

static void everything_that_is_known_is_told(void **state)
{
    const struct event event = { .kind = EVENT_TOUCH_WANTED,
                                 .at_ms = 5,
                                 .request = 7,
                                 .client_pid = 4242,
                                 .client = "gpg (process 4242)",
                                 .reader = "R",
                                 .card = "Yubico 0006:12345678",
                                 .aid = { 0xd2, [15] = 1 },
                                 .keygrip = { 0xaa, [19] = 2 },
                                 .fingerprint = { 0xbb, [19] = 3 },
                                 .touch = TOUCH_CACHED };

    (void)state;
    check(&event, "touch-wanted time=5 request=7 pid=4242 client=gpg+(process+4242) reader=R "
                  "card=Yubico+0006:12345678 serial=D2000000000000000000000000000001 "
                  "keygrip=AA00000000000000000000000000000000000002 "
                  "fingerprint=BB00000000000000000000000000000000000003 policy=cached");
}

static void the_end_of_a_request_is_told(void **state)
{
    (void)state;
    check(&(struct event){ .kind = EVENT_SERVED, .at_ms = 1, .from_cache = true },
          "served time=1 from-cache=yes");
    /* 4 << 24 | 99, GPG_ERR_CANCELED of an agent */
    check(&(struct event){ .kind = EVENT_FAILED,
                           .at_ms = 1,
                           .err = gpg_err_make(GPG_ERR_SOURCE_GPGAGENT, GPG_ERR_CANCELED) },
          "failed time=1 error=67108963");
}

static void no_octet_breaks_the_line(void **state)
{
    (void)state;
    check(&(struct event){ .kind = EVENT_CARD_OUT, .at_ms = 1, .reader = "a+b%c\nd=\xc3\xbc\x7f" },
          "card-out time=1 reader=a%2Bb%25c%0Ad=%C3%BC%7F");
}

static void the_longest_fits_uncut(void **state)
{
    struct event event = { .kind = EVENT_TOUCH_WANTED,
                           .at_ms = INT64_MAX,
                           .request = INT64_MAX,
                           .client_pid = INT32_MAX,
                           .touch = TOUCH_CACHED_FIXED,
                           .err = UINT32_MAX,
                           .from_cache = true };
    char line[EVENT_LINE_MAX];

    (void)state;
    memset(event.client, '%', sizeof event.client - 1);
    memset(event.reader, '%', sizeof event.reader - 1);
    memset(event.card, '%', sizeof event.card - 1);
    memset(event.aid, 1, sizeof event.aid);
    memset(event.keygrip, 1, sizeof event.keygrip);
    memset(event.fingerprint, 1, sizeof event.fingerprint);
    event_line(&event, line);
    assert_true(strlen(line) < EVENT_LINE_MAX - 1);
    assert_string_equal(line + strlen(line) - strlen(" from-cache=yes"), " from-cache=yes");
    assert_null(strstr(line, "%2 ")); /* no escape is cut */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_known_is_left_out),
        cmocka_unit_test(everything_that_is_known_is_told),
        cmocka_unit_test(the_end_of_a_request_is_told),
        cmocka_unit_test(no_octet_breaks_the_line),
        cmocka_unit_test(the_longest_fits_uncut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
