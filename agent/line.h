/* The words of an Assuan command line. */
#pragma once

#include "apdu/public_key.h"

/* True when the option (with its dashes) is among those at the front of the line. *value, unless
 * NULL, then points to what follows "=", up to the next space; "" without one. */
bool line_option(const char *line, const char *option, const char **value);

/* The line behind its options and behind a "--". */
const char *line_arguments(const char *line);

/* Takes the next word off *line. False at the end. */
bool line_next_word(const char **line, struct view *word);

/* Reads 40 hex digits. */
bool line_keygrip(struct view word, uint8_t keygrip[KEYGRIP_LEN]);
