/* The words of the PIN prompt: made of what the card and the kernel say, never of what a client
 * says. Pure. */
#pragma once

#include "agent/card.h"

#define PIN_PROMPT_MAX 512

struct pin_prompt {
    char description[PIN_PROMPT_MAX];
    char error[128];                   /* "" when there is nothing to say */
    char keypad[PIN_PROMPT_MAX + 352]; /* all of it, for a PIN that the reader asks for */
    char confirm[256];                 /* what to confirm before the last try; "" otherwise */
};

/* `peer` as peer_describe made it. */
void pin_prompt_write(const struct pin_question *question, const char *peer,
                      struct pin_prompt *prompt);
