#include "client/event.h"

#include "base/text.h"

#include <limits.h>
#include <stddef.h>
#include <string.h>

/* Octets of one value; the agent's are shorter. */
#define VALUE_MAX 256

/* What stands for octets that are no printable ASCII must not reach a terminal as such. */
static void unescape(struct view value, char *out, size_t size)
{
    uint8_t plain[VALUE_MAX];
    size_t len = 0;

    for (size_t i = 0; i < value.len && len < sizeof plain; i++) {
        size_t digits;

        if (value.data[i] == '%' && value.len - i > 2 &&
            hex_decode((const char *)value.data + i + 1, 2, &plain[len], 1, &digits))
            i += 2;
        else
            plain[len] = value.data[i] == '+' ? ' ' : value.data[i];
        len++;
    }
    text_escape(view_of(plain, len), out, size);
}

static long number(struct view value)
{
    char text[24];
    long result;

    unescape(value, text, sizeof text);
    return text_to_number(text, 0, LONG_MAX, &result) ? result : 0;
}

/* The members that are text, by their keys. */
#define MEMBER(key, name)                                                                          \
    {                                                                                              \
        key, offsetof(struct cardea_event, name), sizeof(((struct cardea_event *)0)->name)         \
    }

static const struct {
    const char *key;
    size_t offset, size;
} texts[] = {
    MEMBER("client", client), MEMBER("reader", reader),   MEMBER("card", card),
    MEMBER("serial", serial), MEMBER("keygrip", keygrip), MEMBER("fingerprint", fingerprint),
    MEMBER("policy", policy),
};

static bool is(struct view key, const char *name)
{
    return view_equal(key, view_of(name, strlen(name)));
}

static void take(struct cardea_event *event, struct view key, struct view value)
{
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (is(key, texts[i].key))
            unescape(value, (char *)event + texts[i].offset, texts[i].size);
    }
    if (is(key, "time"))
        event->time_ms = number(value);
    else if (is(key, "request"))
        event->request = (unsigned long)number(value);
    else if (is(key, "pid"))
        event->pid = number(value);
    else if (is(key, "error"))
        event->error = (gpg_error_t)number(value);
    else if (is(key, "from-cache"))
        event->from_cache = is(value, "yes");
}

/* The next word, without the blank behind it; empty at the end. */
static struct view next_word(const char **line)
{
    size_t len = strcspn(*line, " ");
    struct view word = view_of(*line, len);

    *line += len;
    *line += strspn(*line, " ");
    return word;
}

static bool read_event(const char *line, struct cardea_event *event)
{
    struct cardea_event read = { .event = "" };
    struct view word = next_word(&line);

    unescape(word, read.event, sizeof read.event);
    while (*line) {
        const uint8_t *equals;

        word = next_word(&line);
        equals = word.len ? memchr(word.data, '=', word.len) : NULL;
        if (equals)
            take(&read, view_of(word.data, (size_t)(equals - word.data)),
                 view_of(equals + 1, word.len - 1 - (size_t)(equals - word.data)));
    }
    if (!*read.event)
        return false;
    *event = read;
    return true;
}

bool event_read(const char *line, struct cardea_event *event)
{
    long lost;

    if (strncmp(line, "EVENT ", 6) == 0)
        return read_event(line + 6, event);
    if (strncmp(line, "LOST ", 5) == 0 && text_to_number(line + 5, 1, LONG_MAX, &lost)) {
        *event = (struct cardea_event){ .event = "lost", .lost = (unsigned long)lost };
        return true;
    }
    if (strcmp(line, "WATCHING") == 0) {
        *event = (struct cardea_event){ .event = "watching" };
        return true;
    }
    return false;
}
