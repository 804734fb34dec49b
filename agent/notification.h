/* Tells the desktop that a token waits for a touch (Desktop Notifications Specification 1.2): once
 * it has waited for half a second, and until it waits no more. One thread, which watches the events
 * and sleeps while there are none; the session bus is connected to while something is shown. No
 * bus, no server, or one that hangs: nothing is shown, and nothing else waits for it. */
#pragma once

#include "agent/events.h"

struct notification;

/* The events outlive it. Errors are those of events_watch, and GPG_ERR_EAGAIN. */
gpg_error_t notification_start(struct events *events, struct notification **r_notification);

/* Takes away what is shown. Accepts NULL, clears the pointer. */
void notification_stop(struct notification **notification);
