/* What is asked for a session, and of whom: a human at a pinentry, or for PINs the client by
 * loopback. */
#pragma once

#include "agent/session.h"

/* Asks whom the session says: as ask_pin of struct requester. */
gpg_error_t pin_ask(struct session *session, const struct pin_question *question,
                    struct secret *pin);

/* Asks a human to insert a token: gives way to all other prompts, and ends with 0 when done_fd is
 * readable, or the human says that it is in. Else as pinentry_confirm. */
gpg_error_t pin_ask_insertion(struct session *session, const char *description, int done_fd,
                              int timeout_seconds);

/* Shows a question with two buttons on behalf of the session. 0, or as pinentry_confirm. */
gpg_error_t pin_confirm(struct session *session, const char *description, const char *ok);
