/* Where a prompt appears. */
#pragma once

#include "agent/pinentry_options.h"

/* Where the agent's own session is, whatever a client says: a client in a sandbox, a container or
 * another session would take the prompt where no human is, and one that lies to another human. Of
 * what it `said` (NULL: nothing) only the language counts, and the terminal, where that is one of
 * our user. *place must be empty and is the caller's to free. GPG_ERR_ENOMEM. */
gpg_error_t prompt_place(const struct pinentry_options *said, struct pinentry_options *place);

/* True for the absolute path of a terminal device below /dev/, no link on the way, that belongs to
 * our user. */
bool prompt_place_is_own_terminal(const char *path);
