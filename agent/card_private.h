/* What the files card*.c share of a card; nobody else includes this. */
#pragma once

#include "agent/card.h"
#include "agent/fifo_lock.h"

#include <stdatomic.h>

struct card {
    atomic_int references;
    atomic_bool gone;
    int gone_fd; /* eventfd; readable for good once the card is gone */
    struct readers *readers;
    struct known_tokens *known;
    char reader_name[READER_NAME_MAX];
    uint32_t insertion;

    struct fifo_lock queue; /* requests that may ask a human, one at a time; never for others */
    struct fifo_lock turn;
    /* Below: only for whoever has the turn. */
    struct reader *reader; /* NULL: not connected */
    struct openpgp_card app;
    bool selected; /* the OpenPGP application answers, as far as we know */
    bool verified; /* PW1 is verified for DECIPHER, as far as we know */
    struct kdf_do kdf;
    bool kdf_read;
    int64_t data_read_ms; /* when DO 6E was last read */
    const struct pin_cache_policy *pin_policy;
    struct pin_cache pin;

    atomic_bool awaits_touch;   /* or fingers on a keypad, and is not to be waited for by those who
                                   need neither */
    atomic_bool lock_wanted;    /* whoever has the turn next forgets PIN and verified state */
    _Atomic int64_t pin_end_ms; /* of `pin`, for those who have not the turn */

    pthread_mutex_t facts_mutex;
    struct card_facts facts;
    gpg_error_t lasting_error; /* why there are no facts, for as long as the card stays */
};

/* The card's turn: for as long as its reader is used, and never while a human is asked. Taking it
 * waits behind all who came before. */
void card_take_turn(struct card *card);
void card_leave_turn(struct card *card);

/* Connects where needed and begins a transaction, in which all that does not set another deadline
 * has wait_ms, the beginning included. A card that was reset meanwhile has lost its state. */
gpg_error_t card_begin(struct card *card, int wait_ms);

/* The same of a card that is connected, as reader_begin_late: for one whose state is believed to be
 * all that it takes. */
gpg_error_t card_begin_late(struct card *card, int wait_ms);

/* How long other programs' transactions, and a card that only has to tell a fact, may take. */
#define CARD_WAIT_MS 10000
void card_end(struct card *card);

/* After an error of the reader: drops what can no longer be relied on. True when a second try may
 * help. */
bool card_recover(struct card *card, gpg_error_t err);

/* What is believed of its state is no longer to be relied on. */
void card_forget_state(struct card *card);

/* For whoever has the turn: a key that was remembered is read from the card when it is next asked
 * for. */
void card_doubt_key(struct card *card, enum slot slot);

/* The same for the decryption key, without the turn. */
void card_doubt_memory(struct card *card);

/* Wipes the PIN that is kept. */
void card_forget_pin(struct card *card);

/* Within a transaction: drops the verified state on the card, so that other programs cannot use
 * it. An error has been logged, and wants card_recover after card_end. */
gpg_error_t card_close_state(struct card *card);

/* Within a transaction: makes the holder's name known, if the card has one and has not told it
 * before. True when it has now. A courtesy, which fails without a word. */
bool card_learn_holder(struct card *card);

/* Within a transaction: selects the application where needed and reads DO 6E. GPG_ERR_WRONG_CARD
 * when the card or its keys are not those of the published facts, which are then replaced. */
gpg_error_t card_identify(struct card *card);

/* The same, with a look at the decryption key itself where no fingerprint tells of it. */
gpg_error_t card_identify_key(struct card *card);

/* Within a transaction: reads the public keys of the slots in the mask that are not known yet. */
gpg_error_t card_read_missing(struct card *card, unsigned slots);
