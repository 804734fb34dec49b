/* What the users of D-Bus share: each has its connection to itself, in a thread of its own. */
#pragma once

#include "base/deadline.h"

#include <poll.h>
#include <systemd/sd-bus.h>

/* Waits until something comes for the connection (NULL: none), for one of the descriptors, or the
 * limit. fds[0] is filled in here. */
void bus_wait(sd_bus *bus, struct pollfd *fds, nfds_t count, struct deadline limit);

/* Handles all that has come; never waits. 0, or a negative errno when the connection is lost. */
int bus_serve(sd_bus *bus);

/* The name of the error that a reply is, or NULL. */
const char *bus_error_of(sd_bus_message *reply);
