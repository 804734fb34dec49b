/* What a process that sees PINs gives up. */
#pragma once

#include <stdbool.h>

/* No tracing by other processes of the same user and no core dumps. Without a command to run, which
 * would inherit it, also no core limit to raise and no new privileges. Warns about what the system
 * does not grant. Before the first thread. */
void harden_process(bool runs_command);
