/* The desktop's and the machine's wishes, as systemd-logind tells them (org.freedesktop.login1(5)):
 * PINs and verified states are dropped before the machine sleeps and when a session of our user is
 * locked. One thread, asleep while nothing happens.
 *
 * Where there is no system bus when the agent starts, or no logind, nothing comes, and nothing is
 * said about it. A bus that is lost is looked for again, at growing intervals. */
#pragma once

#include "agent/cards.h"

struct logind;

/* The cards outlive it. GPG_ERR_EAGAIN and the like. */
gpg_error_t logind_start(struct cards *cards, struct logind **r_logind);

/* Accepts NULL, clears the pointer. */
void logind_stop(struct logind **logind);
