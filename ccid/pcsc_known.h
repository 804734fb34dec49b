/* The readers of a PC/SC service, as one thread with one context knows them. */
#pragma once

#include "ccid/reader.h"

#include <winscard.h>

struct pcsc_reader_state {
    char name[READER_NAME_MAX];
    DWORD state; /* as the service last told */
    uint8_t atr[READER_ATR_MAX];
    size_t atr_len;
};

/* Zero-initialise. `list` has the same readers in the same order. */
struct pcsc_known {
    const char *filter; /* as pcsc_filter_covers; borrowed */
    struct pcsc_reader_state states[PCSCLITE_MAX_READERS_CONTEXTS];
    struct reader_list list;
    DWORD notification; /* state of the reader that tells of new readers */
    uint32_t insertions;
};

/* True when the reader's name contains one of the names in the filter, which | separates; NULL
 * covers all. */
bool pcsc_filter_covers(const char *filter, const char *reader);

/* Forgets the readers; the cards found next count as inserted anew. */
void pcsc_known_clear(struct pcsc_known *known);

/* Asks which readers there are; what is known of those known before stays. */
LONG pcsc_known_list(struct pcsc_known *known, SCARDCONTEXT context);

/* Sleeps until a reader or a card comes or goes, or SCardCancel, and learns what there is. The time
 * is in milliseconds, or INFINITE; SCARD_E_TIMEOUT when it passed, with everything learned. */
LONG pcsc_known_await(struct pcsc_known *known, SCARDCONTEXT context, DWORD timeout);
