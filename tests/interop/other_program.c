/* other-program: another PC/SC program at the first reader with a card, shared. Obeys lines:
 * "select" (its own application, PIV), "read" (the AID of whatever is selected), "reset", "hold MS"
 * (a transaction for so long); says "done" when it is, with what the card answered. */
#include "tests/interop/first_card.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const unsigned char select_piv[] = { 0x00, 0xa4, 0x04, 0x00, 0x09, 0xa0, 0x00,
                                            0x00, 0x03, 0x08, 0x00, 0x00, 0x10, 0x00 };
static const unsigned char read_aid[] = { 0x00, 0xca, 0x00, 0x4f, 0x00 };

static void send_alone(const unsigned char *command, size_t len)
{
    first_card_begin();
    printf("%04X ", first_card_send(command, len));
    first_card_end();
}

static void hold(long ms)
{
    const struct timespec time = { ms / 1000, ms % 1000 * 1000000 };

    first_card_begin();
    puts("held");
    fflush(stdout);
    nanosleep(&time, NULL);
    first_card_end();
}

static void obey(const char *line)
{
    if (strncmp(line, "hold ", 5) == 0)
        hold(strtol(line + 5, NULL, 10));
    else if (strcmp(line, "reset\n") == 0)
        first_card_reset();
    else if (strcmp(line, "read\n") == 0)
        send_alone(read_aid, sizeof read_aid);
    else
        send_alone(select_piv, sizeof select_piv);
    puts("done");
    fflush(stdout);
}

int main(void)
{
    char line[64];

    first_card_connect(SCARD_SHARE_SHARED);
    while (fgets(line, sizeof line, stdin))
        obey(line);
    return 0;
}
