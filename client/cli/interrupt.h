/* SIGINT, SIGTERM and SIGHUP while there is something to tidy up. */
#pragma once

#include "client/cardea.h"

/* From now on such a signal, unless it was ignored before, ends what waits for the agent, for input
 * or for standard output (in and out; -1 for none), and interrupted() says so. SIGPIPE becomes an
 * error of writing. connection may be NULL, and must outlive interrupt_release. */
void interrupt_catch(struct cardea *connection, int in, int out);
bool interrupted(void);

/* The signals are themselves again. Ends the process by the one that came, if any did. */
void interrupt_release(void);
