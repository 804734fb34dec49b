/* Events as the lines of WATCH (doc/protocol.md). Pure. */
#pragma once

#include "agent/events.h"

/* Octets with the NUL; with what stands before it an Assuan line holds it. */
#define EVENT_LINE_MAX 960

/* "card-in time=1763814282123 reader=Yubico+YubiKey": the name and what is known, each as
 * key=value. Whatever is no printable ASCII, and + and %, is %XX; a blank is +. Returns line. */
char *event_line(const struct event *event, char line[EVENT_LINE_MAX]);
