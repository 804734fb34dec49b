/* Where a session's PINs come from: a human at a pinentry, or the client by loopback. */
#pragma once

#include "agent/session.h"

/* A source that asks on behalf of the session. The session outlives it. */
struct pin_source pin_source_for(struct session *session);

/* Shows a question with two buttons on behalf of the session. 0, or as pinentry_confirm. */
gpg_error_t pin_confirm(struct session *session, const char *description, const char *ok);
