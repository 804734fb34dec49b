/* The talk with one pinentry over a connected descriptor. Knows nothing of processes and of time:
 * whoever wants it to end shuts the connection down. */
#pragma once

#include "agent/pinentry.h"

enum pinentry_question { PINENTRY_ASK_PIN, PINENTRY_ASK_CONFIRMATION };

/* All that a pinentry may say in one talk, in bytes. */
#define PINENTRY_REPLY_MAX (64 * 1024)

/* Makes the connection: ends[0] is for pinentry_dialogue, ends[1] for the pinentry's standard input
 * and output. Both are close-on-exec. */
gpg_error_t pinentry_connection(int ends[2]);

/* fd is closed in any case. `problem` (size bytes) gets a sentence for the
 * log when the error is GPG_ERR_PIN_ENTRY. Errors are those of agent/pinentry.h;
 * GPG_ERR_NO_PIN_ENTRY means that the other end closed before it greeted. */
gpg_error_t pinentry_dialogue(int fd, const struct pinentry_request *request,
                              enum pinentry_question question, struct secret *pin, char *problem,
                              size_t size);

/* Writes text as an Assuan line takes it: bytes that no line may hold as %XX, what is no UTF-8 and
 * control characters other than line feed as '?', cut with "..." at a character before size bytes
 * (with the NUL; at least 16) are full. Returns out. */
char *pinentry_escape(const char *text, char *out, size_t size);
