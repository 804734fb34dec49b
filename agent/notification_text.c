#include "agent/notification_text.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

#define KEY_ID_LEN 8

/* What stands for a character of markup, or NULL. */
static const char *entity(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    default:
        return NULL;
    }
}

/* out has room for five octets for each of text. */
static void escape_markup(const char *text, char *out)
{
    for (; *text; text++) {
        const char *piece = entity(*text);
        size_t len = piece ? strlen(piece) : 1;

        memcpy(out, piece ? piece : text, len);
        out += len;
    }
    *out = '\0';
}

void notification_text_write(const struct event *event, bool markup, struct notification_text *text)
{
    size_t id_at = sizeof event->fingerprint - KEY_ID_LEN;
    char client[5 * EVENT_CLIENT_MAX], key_id[2 * KEY_ID_LEN + 1];

    hex_encode(view_of(event->fingerprint + id_at, KEY_ID_LEN), key_id);
    if (markup)
        escape_markup(event->client, client);
    else
        snprintf(client, sizeof client, "%s", event->client);
    snprintf(text->summary, sizeof text->summary, "Touch the token %s", event->card);
    snprintf(text->body, sizeof text->body, "%s wants to open an encrypted message.\nKey: %s",
             client, key_id);
}
