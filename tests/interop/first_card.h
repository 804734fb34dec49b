/* The first reader with a card, for programs that play another PC/SC program there. Whatever fails
 * is said, and ends the program. */
#pragma once

#include <winscard.h>

#include <stddef.h>

/* mode: SCARD_SHARE_SHARED or SCARD_SHARE_EXCLUSIVE. */
void first_card_connect(DWORD mode);

/* Also when somebody has reset the card since. */
void first_card_begin(void);
void first_card_end(void);

/* Resets it. */
void first_card_reset(void);

/* One command; the status word. */
unsigned first_card_send(const unsigned char *command, size_t len);
