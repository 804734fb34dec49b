/* What the files of the console share: words of a line, and commands. */
#pragma once

#include "tests/usb/console.h"

#define CONSOLE_WORDS_MAX 8

struct console_words {
    char *word[CONSOLE_WORDS_MAX];
    int count;
};

/* One command: the word after its name is the token's. */
typedef void console_handler(struct console *c, struct console_token *t,
                             const struct console_words *w, struct buffer *answer);

void console_say(struct buffer *answer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Word number i; NULL, or 0, without it. */
const char *console_word(const struct console_words *w, int i);
long console_number(const struct console_words *w, int i);

/* console_faults.c: what a device does wrong, and what it takes its time for. */
console_handler console_fault, console_t1, console_zlp, console_touch, console_slow, console_pin;
/* bPINSupport from now on, whatever the descriptor said. */
console_handler console_keypad;
