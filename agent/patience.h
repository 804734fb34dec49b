/* How long a client may keep its session's thread waiting in the middle of something. Between two
 * lines it may be silent for as long as it likes: gpg keeps connections open. */
#pragma once

/* Puts limits on every read and write of a session from now on: a line, once begun, must be whole
 * within ten seconds, and ten seconds without any of the answer being taken are too many. Who is
 * later than that is hung up on. Called once, before there are sessions. */
void patience_begin(void);
