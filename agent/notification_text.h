/* The words of a desktop notification. Pure. */
#pragma once

#include "agent/events.h"

/* Hold whatever notification_text_write says, with the NUL. */
#define NOTIFICATION_SUMMARY_MAX (EVENT_CARD_MAX + 32)
#define NOTIFICATION_BODY_MAX    (6 * EVENT_CLIENT_MAX)

struct notification_text {
    char summary[NOTIFICATION_SUMMARY_MAX]; /* always plain */
    char body[NOTIFICATION_BODY_MAX];
};

/* For EVENT_TOUCH_WANTED. markup: the server takes the body for markup (Desktop Notifications
 * Specification 1.2, "Markup"), so what is none is escaped. */
void notification_text_write(const struct event *event, bool markup,
                             struct notification_text *text);
