/* hold-reader exclusive|transaction|reset|select: another program at the first reader with a card.
 * It connects to the card for itself alone, or shared and begins a transaction, or resets the
 * card, or selects another application (in vain, which deselects ours); says "ready", and holds
 * what it has until its input ends. */
#include "tests/interop/first_card.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const unsigned char select_nothing[] = { 0x00, 0xa4, 0x04, 0x00, 0x05,
                                                0xa0, 0x00, 0x00, 0x03, 0x08 };

int main(int argc, char **argv)
{
    const char *what = argc == 2 ? argv[1] : "";
    char byte;

    first_card_connect(strcmp(what, "exclusive") == 0 ? SCARD_SHARE_EXCLUSIVE : SCARD_SHARE_SHARED);
    if (strcmp(what, "transaction") == 0)
        first_card_begin();
    else if (strcmp(what, "reset") == 0)
        first_card_reset();
    else if (strcmp(what, "select") == 0)
        (void)first_card_send(select_nothing, sizeof select_nothing);
    puts("ready");
    fflush(stdout);
    while (read(STDIN_FILENO, &byte, 1) > 0) {
    }
    return 0;
}
