/* From the PKESK packets of a message to its session key: which card opens which packet, in which
 * order, and why none did. */
#pragma once

#include "agent/recipients.h"
#include "agent/request.h"

struct opening {
    struct request *request;
    struct recipients recipients;
    struct buffer certificate; /* empty: none */
    bool only_inserted;        /* nobody is asked for a token that is not in */

    struct absence *absence; /* while it runs */
    bool from_memory;        /* this pass asks no card */
    struct card_list cards;
    bool any_card;      /* was in, whatever it said */
    gpg_error_t failed; /* the first reason why a card that fits did not open it */

    struct card_facts facts; /* of the card that opened it */
    struct session_key key;
};

/* An opening of nothing yet, for a request that has begun. */
#define OPENING(r)                                                                                 \
    (struct opening)                                                                               \
    {                                                                                              \
        .request = (r), .certificate = BUFFER(CERTIFICATE_OCTETS)                                  \
    }

/* Opens one of the recipients' packets; fills facts and key. One that is remembered comes first,
 * then cards that are in: named recipients, then those that name nobody; no card is asked for a
 * foreign key. When none opens it, a human is asked for a known token that a packet names. Errors:
 * card_decrypt's, absence_wait's, recipient_session_key's, cards_find_key's, and
 * GPG_ERR_UNSUPPORTED_ALGORITHM when no packet is made for a key that a token can have. */
gpg_error_t opening_run(struct opening *opening);

/* Frees what it holds; the request stays. */
void opening_free(struct opening *opening);
