#include "ccid/pcsc_card.h"

#include "ccid/pcsc_error.h"

#include <reader.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROTOCOLS           (SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1)
#define REFUSALS_TO_BELIEVE 3
#define REFUSAL_PAUSE_MS    20
#define HOLDS_TO_BELIEVE    5
#define HOLD_PAUSE_MS       20

_Static_assert(ANSWER_MAX <= MAX_BUFFER_SIZE_EXTENDED, "an answer that PC/SC cannot carry");

gpg_error_t pcsc_card_new(const char *name, struct pcsc_card **r_card)
{
    struct pcsc_card *card = malloc(sizeof *card);

    if (!card)
        return gpg_error(GPG_ERR_ENOMEM);
    memset(card, 0, offsetof(struct pcsc_card, answer));
    card->command = BUFFER(MAX_BUFFER_SIZE_EXTENDED);
    snprintf(card->name, sizeof card->name, "%s", name);
    *r_card = card;
    return 0;
}

/* After a reset by another program the handle is dead until we say that we know. */
static LONG acknowledge_reset(struct pcsc_card *card, LONG code)
{
    LONG again;

    if (code != SCARD_W_RESET_CARD)
        return code;
    again = SCardReconnect(card->handle, SCARD_SHARE_SHARED, PROTOCOLS, SCARD_LEAVE_CARD,
                           &card->protocol);
    return again == SCARD_S_SUCCESS ? code : again;
}

/* A service that refuses us (polkit) and one that ends while we ask look the same; the latter does
 * so once. */
static LONG establish(struct pcsc_card *card)
{
    LONG code = SCARD_W_SECURITY_VIOLATION;

    for (int i = 0; i < REFUSALS_TO_BELIEVE && code == SCARD_W_SECURITY_VIOLATION; i++) {
        if (i > 0)
            poll(NULL, 0, REFUSAL_PAUSE_MS);
        code = SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &card->context);
    }
    card->has_context = code == SCARD_S_SUCCESS;
    return code;
}

/* The same doubt: a service that still lets go of the context has really refused. */
static LONG doubt_refusal(struct pcsc_card *card, LONG code)
{
    if (code != SCARD_W_SECURITY_VIOLATION)
        return code;
    card->has_context = false;
    return SCardReleaseContext(card->context) == SCARD_S_SUCCESS ? code : SCARD_E_NO_SERVICE;
}

/* The service learns a moment late that a program which held the reader has ended. */
static LONG connect_shared(struct pcsc_card *card)
{
    LONG code = SCARD_E_SHARING_VIOLATION;

    for (int i = 0; i < HOLDS_TO_BELIEVE && code == SCARD_E_SHARING_VIOLATION; i++) {
        if (i > 0)
            poll(NULL, 0, HOLD_PAUSE_MS);
        code = SCardConnect(card->context, card->name, SCARD_SHARE_SHARED, PROTOCOLS, &card->handle,
                            &card->protocol);
    }
    return code;
}

/* Not SCardStatus: until libpcsclite 1.9.9 it overwrites, without a lock, what the watching thread
 * is just reading. Not every driver has the attribute. */
static void read_atr(struct pcsc_card *card)
{
    DWORD len = sizeof card->atr;
    LONG code = SCardGetAttrib(card->handle, SCARD_ATTR_ATR_STRING, card->atr, &len);

    card->atr_len = code == SCARD_S_SUCCESS ? len : 0;
}

void pcsc_card_connect(void *state)
{
    struct pcsc_card *card = state;
    LONG code = establish(card);

    if (code == SCARD_S_SUCCESS) {
        code = connect_shared(card);
        card->connected = code == SCARD_S_SUCCESS;
        code = doubt_refusal(card, code);
    }
    if (code == SCARD_S_SUCCESS)
        read_atr(card);
    card->err = pcsc_error(code);
}

void pcsc_card_begin(void *state)
{
    struct pcsc_card *card = state;
    LONG code = acknowledge_reset(card, SCardBeginTransaction(card->handle));

    card->begun = code == SCARD_S_SUCCESS;
    card->err = pcsc_error_allowed(code);
}

void pcsc_card_end(void *state)
{
    struct pcsc_card *card = state;

    if (card->begun)
        SCardEndTransaction(card->handle, SCARD_LEAVE_CARD);
    card->begun = false;
}

void pcsc_card_transmit(void *state)
{
    struct pcsc_card *card = state;
    const SCARD_IO_REQUEST *pci = card->protocol == SCARD_PROTOCOL_T0 ? SCARD_PCI_T0 : SCARD_PCI_T1;
    LONG code;

    card->answer_len = sizeof card->answer;
    code = SCardTransmit(card->handle, pci, card->command.data, (DWORD)card->command.len, NULL,
                         card->answer, &card->answer_len);
    if (code != SCARD_S_SUCCESS) {
        explicit_bzero(card->answer, sizeof card->answer); /* of whatever had arrived */
        card->answer_len = 0;
    }
    card->err = pcsc_error_allowed(acknowledge_reset(card, code));
}

void pcsc_card_begin_and_transmit(void *state)
{
    struct pcsc_card *card = state;
    enum pcsc_begin begins = PCSC_BEGINS;

    pcsc_card_begin(card);
    if (!atomic_compare_exchange_strong(&card->begin, &begins, PCSC_SENDS))
        pcsc_card_end(card); /* nobody knows that it has begun after all */
    else if (card->begun)
        pcsc_card_transmit(card);
}

void pcsc_card_reset(void *state)
{
    struct pcsc_card *card = state;

    card->err = pcsc_error_allowed(SCardReconnect(card->handle, SCARD_SHARE_SHARED, PROTOCOLS,
                                                  SCARD_RESET_CARD, &card->protocol));
}

void pcsc_card_release(void *state)
{
    struct pcsc_card *card = state;

    pcsc_card_end(card);
    if (card->connected)
        SCardDisconnect(card->handle, SCARD_LEAVE_CARD);
    if (card->has_context)
        SCardReleaseContext(card->context);
    buffer_free(&card->command);
    explicit_bzero(card->answer, card->answer_len);
    free(card);
}
