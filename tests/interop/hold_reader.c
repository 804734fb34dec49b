/* hold-reader exclusive|transaction|reset|select: another program at the first reader with a card.
 * It connects to the card for itself alone, or shared and begins a transaction, or resets the
 * card, or selects another application (in vain, which deselects ours); says "ready", and holds
 * what it has until its input ends. */
#include <winscard.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static SCARDCONTEXT context;
static SCARDHANDLE card;
static DWORD protocol;

static void check(LONG code, const char *what)
{
    if (code == SCARD_S_SUCCESS)
        return;
    fprintf(stderr, "hold-reader: %s: %s\n", what, pcsc_stringify_error(code));
    exit(1);
}

static void connect_first(DWORD mode)
{
    char names[1024];
    DWORD len = sizeof names;
    LONG code = SCARD_E_NO_READERS_AVAILABLE;

    check(SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context), "context");
    check(SCardListReaders(context, NULL, names, &len), "readers");
    for (char *name = names; *name && code != SCARD_S_SUCCESS; name += strlen(name) + 1)
        code = SCardConnect(context, name, mode, SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1, &card,
                            &protocol);
    check(code, "connect");
}

static void select_nothing(void)
{
    static const unsigned char select[] = { 0x00, 0xa4, 0x04, 0x00, 0x05,
                                            0xa0, 0x00, 0x00, 0x03, 0x08 };
    unsigned char answer[258];
    DWORD len = sizeof answer;

    check(SCardTransmit(card, protocol == SCARD_PROTOCOL_T0 ? SCARD_PCI_T0 : SCARD_PCI_T1, select,
                        sizeof select, NULL, answer, &len),
          "transmit");
}

int main(int argc, char **argv)
{
    const char *what = argc == 2 ? argv[1] : "";
    char byte;

    connect_first(strcmp(what, "exclusive") == 0 ? SCARD_SHARE_EXCLUSIVE : SCARD_SHARE_SHARED);
    if (strcmp(what, "transaction") == 0)
        check(SCardBeginTransaction(card), "transaction");
    else if (strcmp(what, "reset") == 0)
        check(SCardReconnect(card, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1,
                             SCARD_RESET_CARD, &protocol),
              "reset");
    else if (strcmp(what, "select") == 0)
        select_nothing();
    puts("ready");
    fflush(stdout);
    while (read(STDIN_FILENO, &byte, 1) > 0) {
    }
    return 0;
}
