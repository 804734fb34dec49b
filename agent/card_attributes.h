/* What a card tells of itself, by the names that scdaemon gives it. */
#pragma once

#include "agent/card.h"

#include <assuan.h>

/* Facts and objects of one card, for a listing. */
struct card_listing {
    struct card_facts facts;
    struct card_objects objects;
};

/* Sends the status line, or lines, of a GETATTR name. GPG_ERR_INV_NAME for one that we do not know;
 * nothing is sent of what this card does not have. */
gpg_error_t card_attribute_send(assuan_context_t assuan, const struct card_listing *listing,
                                const char *name);

/* True when an attribute is told from the facts alone. */
bool card_attribute_is_known(const char *name);

/* Sends what LEARN sends. */
gpg_error_t card_attributes_send_all(assuan_context_t assuan, const struct card_listing *listing);
