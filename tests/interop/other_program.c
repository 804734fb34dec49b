/* other-program: another PC/SC program at the first reader with a card, shared. Obeys lines:
 * "select" (its own application, PIV), "reset", "hold MS" (a transaction for so long); says "done"
 * when it is, with what the card answered to "select". */
#include <winscard.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PROTOCOLS (SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1)

static SCARDCONTEXT context;
static SCARDHANDLE card;
static DWORD protocol;

static void check(LONG code, const char *what)
{
    if (code == SCARD_S_SUCCESS)
        return;
    fprintf(stderr, "other-program: %s: %s\n", what, pcsc_stringify_error(code));
    exit(1);
}

static void connect_first(void)
{
    char names[1024];
    DWORD len = sizeof names;
    LONG code = SCARD_E_NO_READERS_AVAILABLE;

    check(SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context), "context");
    check(SCardListReaders(context, NULL, names, &len), "readers");
    for (char *name = names; *name && code != SCARD_S_SUCCESS; name += strlen(name) + 1)
        code = SCardConnect(context, name, SCARD_SHARE_SHARED, PROTOCOLS, &card, &protocol);
    check(code, "connect");
}

/* Cardea may have reset the card: the handle wants to hear that we know. */
static void begin(void)
{
    LONG code = SCardBeginTransaction(card);

    if (code == SCARD_W_RESET_CARD) {
        check(SCardReconnect(card, SCARD_SHARE_SHARED, PROTOCOLS, SCARD_LEAVE_CARD, &protocol),
              "reconnect");
        code = SCardBeginTransaction(card);
    }
    check(code, "transaction");
}

static void end(void)
{
    check(SCardEndTransaction(card, SCARD_LEAVE_CARD), "end");
}

static void select_piv(void)
{
    static const unsigned char command[] = { 0x00, 0xa4, 0x04, 0x00, 0x09, 0xa0, 0x00,
                                             0x00, 0x03, 0x08, 0x00, 0x00, 0x10, 0x00 };
    unsigned char answer[258];
    DWORD len = sizeof answer;

    begin();
    check(SCardTransmit(card, protocol == SCARD_PROTOCOL_T0 ? SCARD_PCI_T0 : SCARD_PCI_T1, command,
                        sizeof command, NULL, answer, &len),
          "transmit");
    end();
    if (len >= 2)
        printf("%02X%02X ", answer[len - 2], answer[len - 1]);
}

static void hold(long ms)
{
    const struct timespec time = { ms / 1000, ms % 1000 * 1000000 };

    begin();
    puts("held");
    fflush(stdout);
    nanosleep(&time, NULL);
    end();
}

static void obey(const char *line)
{
    if (strncmp(line, "hold ", 5) == 0)
        hold(strtol(line + 5, NULL, 10));
    else if (strcmp(line, "reset\n") == 0)
        check(SCardReconnect(card, SCARD_SHARE_SHARED, PROTOCOLS, SCARD_RESET_CARD, &protocol),
              "reset");
    else
        select_piv();
    puts("done");
    fflush(stdout);
}

int main(void)
{
    char line[64];

    connect_first();
    while (fgets(line, sizeof line, stdin))
        obey(line);
    return 0;
}
