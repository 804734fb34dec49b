/* A request whose card is not in, or leaves it midway: another card that holds the key takes over;
 * one that was pulled for a moment, or that another program has for itself, is waited for; and a
 * human is asked for a token that is known to hold the key. No lock is held meanwhile. */
#pragma once

#include "agent/known_token.h"
#include "agent/request.h"

struct absence {
    struct request *request;
    struct arrival arrival; /* insertions and releases since the beginning */
    struct card *lost;      /* a reference: failed this request, and is not asked by it again */
    gpg_error_t why;        /* the error of the lost card */
    unsigned losses;
    struct deadline held_end;   /* until when a reader that is held is waited for */
    struct deadline replug_end; /* until when a card is waited for quietly; 0: not begun */
    bool asks;                  /* a human has been asked */
    bool again;                 /* who said that a token is in, and it is not */
    struct deadline asks_until;
};

/* What is looked for: tokens that are known to hold the key and may be asked for. */
struct wanted_tokens {
    const struct known_token *token;
    size_t count;
};

/* The request outlives it. absence_end must follow success. */
gpg_error_t absence_begin(struct absence *absence, struct request *request);
void absence_end(struct absence *absence);

/* True when err, of a use of the card, is that of a card which cannot serve now while another one
 * might: the caller looks for another. */
bool absence_is_loss(struct absence *absence, struct card *card, gpg_error_t err);

/* No card was found, for the reason err. 0 once another card has come, or a reader may have been
 * released: the caller looks again.
 * Otherwise the error for the client: err; that of a card that was lost; GPG_ERR_CARD_NOT_PRESENT
 * when nobody is to be asked, or nobody inserted a token; GPG_ERR_FULLY_CANCELED when the human
 * said no; GPG_ERR_CANCELED when the client has gone. */
gpg_error_t absence_wait(struct absence *absence, gpg_error_t err,
                         const struct wanted_tokens *wanted);
