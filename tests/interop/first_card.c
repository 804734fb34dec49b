#include "tests/interop/first_card.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROTOCOLS (SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1)

static SCARDCONTEXT context;
static SCARDHANDLE card;
static DWORD protocol, share;

static void check(LONG code, const char *what)
{
    if (code == SCARD_S_SUCCESS)
        return;
    fprintf(stderr, "first card: %s: %s\n", what, pcsc_stringify_error(code));
    exit(1);
}

void first_card_connect(DWORD mode)
{
    char names[1024];
    DWORD len = sizeof names;
    LONG code = SCARD_E_NO_READERS_AVAILABLE;

    share = mode;
    check(SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context), "context");
    check(SCardListReaders(context, NULL, names, &len), "readers");
    for (char *name = names; *name && code != SCARD_S_SUCCESS; name += strlen(name) + 1)
        code = SCardConnect(context, name, mode, PROTOCOLS, &card, &protocol);
    check(code, "connect");
}

void first_card_begin(void)
{
    LONG code = SCardBeginTransaction(card);

    if (code == SCARD_W_RESET_CARD) {
        check(SCardReconnect(card, share, PROTOCOLS, SCARD_LEAVE_CARD, &protocol), "reconnect");
        code = SCardBeginTransaction(card);
    }
    check(code, "transaction");
}

void first_card_end(void)
{
    check(SCardEndTransaction(card, SCARD_LEAVE_CARD), "end");
}

void first_card_reset(void)
{
    check(SCardReconnect(card, share, PROTOCOLS, SCARD_RESET_CARD, &protocol), "reset");
}

unsigned first_card_send(const unsigned char *command, size_t len)
{
    unsigned char answer[258];
    DWORD answer_len = sizeof answer;

    check(SCardTransmit(card, protocol == SCARD_PROTOCOL_T0 ? SCARD_PCI_T0 : SCARD_PCI_T1, command,
                        len, NULL, answer, &answer_len),
          "transmit");
    return answer_len < 2 ? 0 : (unsigned)answer[answer_len - 2] << 8 | answer[answer_len - 1];
}
