/* Starts cardea-agent in the background, as gpg starts gpg-agent. */
#pragma once

#include <gpg-error.h>
#include <stdbool.h>
#include <sys/types.h>

/* program: NULL for the installed one, "" for none (GPG_ERR_NO_AGENT). It serves the gpg home
 * `home`, in a session of its own, with no descriptor of ours, and outlives us; it is not our
 * child, so that nobody has to wait for it. The error is that of exec where that failed. */
gpg_error_t start_agent(const char *program, const char *home, pid_t *pid);

/* False once it has ended, which it also does when another agent was faster. */
bool start_agent_is_alive(pid_t pid);
