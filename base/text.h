/* Text for humans and wires: hex, and strings that came from outside made harmless. */
#pragma once

#include "base/bytes.h"

/* Writes 2 * bytes.len upper-case digits and a NUL; out must hold them. Returns out. */
char *hex_encode(struct view bytes, char *out);

/* Decodes digits_len hex digits of either case into out. False when a character is no digit, the
 * count is odd or out (size bytes) is too small; *len is the decoded length. */
bool hex_decode(const char *digits, size_t digits_len, uint8_t *out, size_t size, size_t *len);

/* Copies outside text into out (size bytes with the NUL): bytes outside
 * printable ASCII become '?', and a cut is marked by "...". Returns out. */
char *text_escape(struct view text, char *out, size_t size);

/* Reads a whole decimal number in [min, max]; false otherwise. */
bool text_to_number(const char *text, long min, long max, long *value);
