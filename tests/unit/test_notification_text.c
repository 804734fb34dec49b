#include "agent/notification_text.h"
#include "tests/unit/hex.h"

static struct notification_text written(const char *client, bool markup)
{
    struct event event = { .kind = EVENT_TOUCH_WANTED, .card = "Yubico 0006:20680955" };
    struct view fingerprint = hex("96D300EF7A4BF7B8990C91CFDEADA2143B7E6FD6");
    struct notification_text text;

    memcpy(event.fingerprint, fingerprint.data, fingerprint.len);
    strncpy(event.client, client, sizeof event.client - 1);
    memset(&text, 'x', sizeof text);
    notification_text_write(&event, markup, &text);
    return text;
}

static void token_client_and_key_are_named(void **state)
{
    struct notification_text text = written("Thunderbird, through gpg (process 1234)", true);

    (void)state;
    assert_string_equal(text.summary, "Touch the token Yubico 0006:20680955");
    assert_string_equal(text.body, "Thunderbird, through gpg (process 1234) wants to open an "
                                   "encrypted message.\nKey: DEADA2143B7E6FD6");
}

static void assert_begins(const char *text, const char *start)
{
    assert_memory_equal(text, start, strlen(start));
}

static void what_is_no_markup_is_escaped(void **state)
{
    struct notification_text text = written("<a href=\"x\">&lt;</a>", true);

    (void)state;
    assert_begins(text.body, "&lt;a href=\"x\"&gt;&amp;lt;&lt;/a&gt; wants");
    text = written("<a href=\"x\">&lt;</a>", false);
    assert_begins(text.body, "<a href=\"x\">&lt;</a> wants");
}

static void the_longest_name_has_room(void **state)
{
    struct notification_text text;
    char client[EVENT_CLIENT_MAX];

    (void)state;
    memset(client, '&', sizeof client - 1);
    client[sizeof client - 1] = '\0';
    text = written(client, true);
    assert_int_equal(strspn(text.body, "&amp;"), 5 * (sizeof client - 1));
    assert_non_null(strstr(text.body, "Key: DEADA2143B7E6FD6"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(token_client_and_key_are_named),
        cmocka_unit_test(what_is_no_markup_is_escaped),
        cmocka_unit_test(the_longest_name_has_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
