/* T=1 as the interface device speaks it (ISO 7816-3:2006 §11): commands out in blocks, answers in,
 * errors mended by the rules of §11.6.3. Knows nothing of USB: it sends one block and gets one. */
#pragma once

#include "base/bytes.h"
#include "base/deadline.h"
#include "ccid/t1_block.h"

/* Sends the block and appends what the card sent to answer: nothing when the card stayed mute or
 * the reader saw an error of transmission, which the rules of T=1 mend. The card has taken more
 * time for this one: wtx times the block waiting time (1: no more than that). An error ends the
 * exchange. */
typedef gpg_error_t t1_link(void *context, struct view block, unsigned wtx, struct buffer *answer,
                            struct deadline deadline);

struct t1 {
    t1_link *link;
    void *context;
    uint8_t atr_ifsc;   /* of the ATR, 1..254: most that the card takes in a block */
    uint8_t ifsc;       /* most that it takes now */
    uint8_t inf_max;    /* most that the reader carries in a block, 1..254 */
    uint8_t ifsd;       /* what the card was told that we take; 0: it was told nothing by us */
    uint8_t ns;         /* N(S) of the next I-block to send */
    uint8_t nr;         /* N(S) of the next I-block to receive */
    gpg_error_t broken; /* what made the two lose each other: only a reset of the card helps */
};

/* A card that has just been reset. */
void t1_init(struct t1 *t1, t1_link *link, void *context, uint8_t ifsc, uint8_t inf_max);

/* Tells the card what we take in a block, 1..254 (S(IFS request), §11.4.2). */
gpg_error_t t1_tell_ifsd(struct t1 *t1, uint8_t ifsd, struct deadline deadline);

/* Sends a command APDU and appends the answer, whose cap bounds it. Errors are the link's,
 * GPG_ERR_TIMEOUT once the deadline has passed, GPG_ERR_TOO_LARGE past the cap, GPG_ERR_CARD when
 * the card keeps to no rule or cannot be brought back in step. After any error the card wants a
 * reset, and every further call returns that error. No command that the card may have got as a
 * whole is ever sent twice. */
gpg_error_t t1_transmit(struct t1 *t1, struct view command, struct buffer *answer,
                        struct deadline deadline);

/* For a command that the reader makes up itself, in one block (CCID 1.1 §6.1.11): NAD and PCB of
 * that block, LEN being the reader's affair; and the block that answered it, as t1_transmit. A
 * block other than a whole answer is GPG_ERR_CARD: nothing is sent again. */
void t1_prologue(const struct t1 *t1, uint8_t prologue[2]);
gpg_error_t t1_take_answer(struct t1 *t1, struct view block, struct buffer *answer);
