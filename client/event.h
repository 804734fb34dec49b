/* The lines of WATCH (doc/protocol.md), read. Pure. */
#pragma once

#include "client/cardea.h"

/* Reads what stands behind "S ". False for a line that tells no event, or none that can be read;
 * *event is then untouched. Keys that are not known are passed over, values that are too long are
 * cut. */
bool event_read(const char *line, struct cardea_event *event);
