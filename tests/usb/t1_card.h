/* A card that speaks T=1: ISO/IEC 7816-3 §11, the card's side, with the faults that a line has. */
#pragma once

#include "tests/usb/card.h"

#define T1_BLOCK_MAX 258 /* NAD, PCB, LEN, 254 octets, LRC */

enum t1_fault {
    T1_NO_FAULT,
    T1_BAD_LRC,   /* the block is sent with a wrong check octet */
    T1_CUT,       /* it is sent without its end */
    T1_MUTE,      /* it is not sent */
    T1_NOT_HEARD, /* the block received is taken for damaged, and R(EDC) sent */
    T1_WTX,       /* S(WTX request) is sent before it */
    T1_IFS,       /* S(IFS request) is sent before it */
    T1_ABORT,     /* S(ABORT request) is sent in its place, and the command dropped */
    T1_DEAF,      /* from here on R(EDC) only, until S(RESYNCH) */
    T1_DEAD,      /* from here on R(EDC) only, until the card is reset */
};

struct t1_card {
    const struct usb_card *card;
    unsigned int received, expected, next; /* blocks so far; N(S) of the host's and of our next */
    size_t ifsd;                           /* largest information field that the host takes */
    struct buffer command, answer;
    size_t answer_at, part;     /* sent so far, and with the last I-block */
    bool more;                  /* our last block was one of a chain that goes on */
    bool waits;                 /* for S(WTX response) or S(IFS response), then sends */
    uint8_t last[T1_BLOCK_MAX]; /* our last block, for when it is wanted again */
    size_t last_len;

    /* What goes wrong at the block received as number fault_at, counted from 0 since the reset. */
    enum t1_fault fault;
    unsigned int fault_at, fault_times; /* times: as many blocks in a row; 0 is 1 */
    uint8_t fault_value;                /* of WTX and IFS */
    bool deaf;
    unsigned int resynchs; /* S(RESYNCH requests) that came */
};

void t1_card_init(struct t1_card *t, const struct usb_card *card);
void t1_card_reset(struct t1_card *t, size_t ifsd);
void t1_card_free(struct t1_card *t);

/* One block from the host, one block back; empty when the card stays mute. */
void t1_card_block(struct t1_card *t, struct view block, struct buffer *answer);
