/* How a card comes to have its PIN verified for a request, in rounds of one transaction each.
 *
 * The only place from which PINs go to a card: to the one that the prompt named, while it has the
 * tries that the prompt named, and each PIN once. Between two rounds a human is asked, and nothing
 * of the card's is held but the place in the queue of those who may ask. */
#pragma once

#include "agent/card.h"

/* Over the rounds of one request. The caller sets the first three, and frees `pin` in the end. */
struct verify_job {
    const struct public_key *key;      /* that the card must hold */
    size_t data_len;                   /* of the command that wants the PIN */
    const struct requester *requester; /* who is asked */

    bool want_pin; /* this round ended for want of one */

    struct secret pin;    /* typed and not yet sent */
    bool on_keypad;       /* the PIN is to be typed there, once, for the prompt that was answered */
    bool no_keypad;       /* the reader does not do it after all */
    bool from_cache;      /* `pin` was typed for an earlier request */
    unsigned tries_shown; /* with the question that gave us this PIN */
    uint8_t aid_shown[AID_LEN];
    size_t pin_max;       /* of the card that asked for a PIN */
    bool offers_keypad;   /* of its reader, to be told with the question */
    bool holder_news;     /* the card has told whose it is */
    gpg_error_t previous; /* why the last PIN did not do */
};

/* Within a transaction: makes sure of the card, its tries and its KDF, and only then sends the PIN,
 * one that is kept if none was typed. 0 with want_pin: there is none, or it was refused; end the
 * round and ask. A PIN that was typed and not yet sent stays for another round. Errors are those of
 * card_decrypt. */
gpg_error_t card_verify(struct card *card, struct verify_job *job);

/* Between two rounds, when want_pin says so. Others may have their turns meanwhile. Errors: the
 * requester's, GPG_ERR_CANCELED when nobody waits for the answer any more, and
 * GPG_ERR_CARD_REMOVED when the card left. */
gpg_error_t card_ask_for_pin(struct card *card, struct verify_job *job);
