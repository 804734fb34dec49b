/* The desktop's and the machine's wishes, as systemd-logind tells them (org.freedesktop.login1(5)):
 * PINs and verified states are dropped before the machine sleeps and when a session of our user is
 * locked. One thread, asleep while nothing happens.
 *
 * It connects once the first PIN was asked for: before that there is nothing to forget. Where there
 * is no system bus then, or no logind, nothing comes, and nothing is said about it. A bus that is
 * lost is looked for again, at growing intervals. */
#pragma once

#include "agent/cards.h"
#include "agent/events.h"

struct logind;

/* The cards and events outlive it. Errors are those of events_watch, and GPG_ERR_EAGAIN. */
gpg_error_t logind_start(struct cards *cards, struct events *events, struct logind **r_logind);

/* Accepts NULL, clears the pointer. */
void logind_stop(struct logind **logind);
