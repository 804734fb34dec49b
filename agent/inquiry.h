/* INQUIRE: what a client is asked for while it waits for its command.
 *
 * Not libassuan's own, which (2.5.5) loops for ever over an escape that the end of the line cuts
 * off. */
#pragma once

#include "base/bytes.h"

#include <assuan.h>

/* Sends the limit and the question, and reads D lines up to END into *answer, an empty buffer whose
 * cap is the limit. The octets are wiped from libassuan's line.
 *   GPG_ERR_ASS_CANCELED       the client said CAN
 *   GPG_ERR_ASS_TOO_MUCH_DATA  more than the limit; the client's data was read to its END
 *   GPG_ERR_ASS_SYNTAX         an escape that is none; read to its END, too
 *   GPG_ERR_ASS_UNEXPECTED_CMD neither D, END nor CAN
 * or the error of the connection. After a line that is too long the connection is closed: what
 * follows cannot be told from commands. */
gpg_error_t inquiry_read(assuan_context_t assuan, const char *keyword, struct buffer *answer);

/* Appends what a D line carries; every %XX is undone. GPG_ERR_ASS_SYNTAX,
 * GPG_ERR_ASS_TOO_MUCH_DATA. Pure. */
gpg_error_t inquiry_unescape(struct view line, struct buffer *answer);
