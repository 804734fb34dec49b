/* What a process that sees PINs gives up. */
#pragma once

#include <stdbool.h>

/* Opens what is closed of the descriptors 0 to 2: a socket of ours that got one of these numbers
 * would be read or written by whoever means the terminal, the log first of all. At the very start.
 */
void harden_descriptors(void);

/* No tracing by other processes of the same user and no core dumps. Without a command to run, which
 * would inherit it, also no core limit to raise and no new privileges. Warns about what the system
 * does not grant. Before the first thread. */
void harden_process(bool runs_command);
