/* Which processes have to do with a reader, as far as /proc lets us see: those of our own user. */
#pragma once

#include "base/bytes.h"

/* True when the process whose folder below /proc this is has to do with `what`. */
typedef bool process_matches(const char *folder, const void *what);

/* Writes "scdaemon (process 123), firefox (process 124)", as many as fit, ourselves left out.
 * Returns how many there are. `root` stands before /proc: "" outside of tests. */
size_t processes_find(const char *root, process_matches *matches, const void *what, char *out,
                      size_t size);
