/* What the users of D-Bus share: each has its connection to itself, in a thread of its own.
 *
 * libsystemd is loaded when the first of them connects. It brings five more libraries, and they
 * would be a third of what the agent needs to start and of its memory, for what many never need. */
#pragma once

#include "base/deadline.h"

#include <poll.h>
#include <systemd/sd-bus.h>

#define BUS_FUNCTIONS(F)                                                                           \
    F(add_match_async)                                                                             \
    F(call_async)                                                                                  \
    F(call_method_async)                                                                           \
    F(close_unref)                                                                                 \
    F(get_events)                                                                                  \
    F(get_fd)                                                                                      \
    F(get_timeout)                                                                                 \
    F(message_append)                                                                              \
    F(message_enter_container)                                                                     \
    F(message_exit_container)                                                                      \
    F(message_get_error)                                                                           \
    F(message_get_path)                                                                            \
    F(message_is_method_error)                                                                     \
    F(message_new_method_call)                                                                     \
    F(message_read)                                                                                \
    F(message_set_auto_start)                                                                      \
    F(message_skip)                                                                                \
    F(message_unref)                                                                               \
    F(open_system)                                                                                 \
    F(open_user)                                                                                   \
    F(process)

#define BUS_DECLARE(name) __typeof__(sd_bus_##name) *name;

/* sd_bus_NAME() of sd-bus(3), once there is a connection. */
extern struct bus_functions {
    BUS_FUNCTIONS(BUS_DECLARE)
} libsystemd;

/* As sd_bus_open_system() and sd_bus_open_user(); -ELIBACC where libsystemd cannot be loaded. */
int bus_open_system(sd_bus **r_bus);
int bus_open_user(sd_bus **r_bus);

/* Accepts NULL, clears the pointer. */
void bus_close(sd_bus **bus);

/* Waits until something comes for the connection (NULL: none), for one of the descriptors, or the
 * limit. fds[0] is filled in here. */
void bus_wait(sd_bus *bus, struct pollfd *fds, nfds_t count, struct deadline limit);

/* Handles all that has come; never waits. 0, or a negative errno when the connection is lost. */
int bus_serve(sd_bus *bus);

/* The name of the error that a reply is, or NULL. */
const char *bus_error_of(sd_bus_message *reply);
