/* The words of the prompt for a token that is not in: made of what is known of it and of what the
 * kernel says of the client. Pure. */
#pragma once

#include "agent/known_token.h"

#define INSERT_PROMPT_MAX   768
#define INSERT_PROMPT_NAMED 3 /* tokens; of more only the number is told */

/* `peer` as peer_describe made it; at least one token, each with the wanted key in its decryption
 * slot. again: a human has said that it is in, and it is not. Returns out. */
char *insert_prompt_write(const struct known_token *tokens, size_t count, const char *peer,
                          bool again, char out[INSERT_PROMPT_MAX]);
