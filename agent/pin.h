/* Where a session's PINs come from: a human at a pinentry, or the client by loopback. */
#pragma once

#include "agent/session.h"

/* Asks whom the session says: as ask_pin of struct requester. */
gpg_error_t pin_ask(struct session *session, const struct pin_question *question,
                    struct secret *pin);

/* Shows a question with two buttons on behalf of the session. 0, or as pinentry_confirm. */
gpg_error_t pin_confirm(struct session *session, const char *description, const char *ok);
