/* A connection to a card over PC/SC, and the calls of its lane. Each of them may block without
 * limit, and leaves in the state what came of it. */
#pragma once

#include "base/bytes.h"
#include "ccid/reader.h"

#include <winscard.h>

#include <stdatomic.h>

/* Whoever changes it from PCSC_BEGINS has decided. */
enum pcsc_begin {
    PCSC_BEGINS,
    PCSC_SENDS,    /* or has failed to begin */
    PCSC_GIVEN_UP, /* nobody waits for the transaction any more: nothing is sent */
};

/* A lane's state: everything that its calls need, so that they can outlive who made them. */
struct pcsc_card {
    SCARDCONTEXT context;
    SCARDHANDLE handle;
    bool has_context;
    bool connected;
    bool begun;
    _Atomic enum pcsc_begin begin; /* how far pcsc_card_begin_and_transmit is */
    DWORD protocol;
    char name[READER_NAME_MAX];
    uint8_t atr[MAX_ATR_SIZE];
    DWORD atr_len;
    struct buffer command;
    DWORD answer_len;
    gpg_error_t err;                          /* of the last call */
    uint8_t answer[MAX_BUFFER_SIZE_EXTENDED]; /* less, and a long answer breaks the library */
};

/* Not connected. GPG_ERR_ENOMEM. */
gpg_error_t pcsc_card_new(const char *name, struct pcsc_card **r_card);

/* Of a card that pcsc_card_new made, or a lane has: */
void pcsc_card_connect(void *state);
void pcsc_card_begin(void *state);
void pcsc_card_transmit(void *state);
void pcsc_card_begin_and_transmit(void *state);
void pcsc_card_end(void *state);
void pcsc_card_reset(void *state);
void pcsc_card_release(void *state);
