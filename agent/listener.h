/* Accepts clients and gives each a thread of its own. */
#pragma once

#include "agent/session.h"

struct listener;

/* Starts accepting on listen_fd (borrowed). At most agent->config->max_connections sessions run at
 * once; who comes then is told so and let go. Other users than ours and root are let go at once. */
gpg_error_t listener_start(struct agent *agent, int listen_fd, struct listener **r_listener);

/* Stops accepting, hangs up on the clients and waits for their threads, at most as long as given.
 * True when all have ended and the listener is released; false when some have not: call again, or
 * exit. */
bool listener_stop(struct listener **listener, int wait_ms);
