/* Who may hold a reader of the PC/SC service for itself: the service does not tell, but whoever
 * does is connected to it, as we are. */
#pragma once

#include "base/bytes.h"

/* Writes "scdaemon (process 123)", or several of which it is one; false when nothing can be found
 * out. */
bool pcsc_holder(char *out, size_t size);
