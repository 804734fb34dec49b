#include "agent/event_line.h"

#include "apdu/public_key.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Octets of an escaped value: longer ones are cut, never within an escape. */
#define VALUE_MAX 200

static const char *const names[] = {
    [EVENT_CARD_IN] = "card-in",
    [EVENT_CARD_OUT] = "card-out",
    [EVENT_INSERT_WANTED] = "insert-wanted",
    [EVENT_INSERT_DONE] = "insert-done",
    [EVENT_PIN_WANTED] = "pin-wanted",
    [EVENT_PIN_DONE] = "pin-done",
    [EVENT_TOUCH_WANTED] = "touch-wanted",
    [EVENT_TOUCH_DONE] = "touch-done",
    [EVENT_SERVED] = "served",
    [EVENT_FAILED] = "failed",
    [EVENT_LOCKED] = "locked",
};

static const char *const policies[] = { [TOUCH_OFF] = "off",
                                        [TOUCH_ON] = "on",
                                        [TOUCH_FIXED] = "fixed",
                                        [TOUCH_CACHED] = "cached",
                                        [TOUCH_CACHED_FIXED] = "cached-fixed" };

static void add(char *line, const char *key, const char *value)
{
    size_t used = strlen(line);

    snprintf(line + used, EVENT_LINE_MAX - used, " %s=%s", key, value);
}

static void add_number(char *line, const char *key, int64_t number)
{
    char text[24];

    snprintf(text, sizeof text, "%" PRId64, number);
    if (number)
        add(line, key, text);
}

static void add_text(char *line, const char *key, const char *text)
{
    char value[VALUE_MAX + 1];
    char *p = value;

    for (; *text && p + 3 <= value + VALUE_MAX; text++) {
        unsigned char c = (unsigned char)*text;

        if (c == ' ')
            *p++ = '+';
        else if (c < 0x20 || c > 0x7e || c == '%' || c == '+')
            p += snprintf(p, 4, "%%%02X", c);
        else
            *p++ = (char)c;
    }
    *p = '\0';
    if (*value)
        add(line, key, value);
}

static void add_octets(char *line, const char *key, const uint8_t *octets, size_t len)
{
    static const uint8_t none[KEYGRIP_LEN];
    char digits[2 * KEYGRIP_LEN + 1];

    if (memcmp(octets, none, len) != 0)
        add(line, key, hex_encode(view_of(octets, len), digits));
}

char *event_line(const struct event *event, char line[EVENT_LINE_MAX])
{
    snprintf(line, EVENT_LINE_MAX, "%s", names[event->kind]);
    add_number(line, "time", event->at_ms);
    add_number(line, "request", (int64_t)event->request);
    add_number(line, "pid", event->client_pid);
    add_text(line, "client", event->client);
    add_text(line, "reader", event->reader);
    add_text(line, "card", event->card);
    add_octets(line, "serial", event->aid, sizeof event->aid);
    add_octets(line, "keygrip", event->keygrip, sizeof event->keygrip);
    add_octets(line, "fingerprint", event->fingerprint, sizeof event->fingerprint);
    if (event->kind == EVENT_TOUCH_WANTED)
        add(line, "policy", policies[event->touch]);
    add_number(line, "error", event->err);
    if (event->from_cache)
        add(line, "from-cache", "yes");
    return line;
}
