/* A place where bytes wait until it is known that they are good.
 *
 * What is held is ciphertext, never plaintext: a body is read twice, once to verify it and once to
 * give it out. So a holding needs no secrecy, but it must give back exactly what it was given: keep
 * it in memory, or in a file that nobody else can open. */
#pragma once

#include "message/stream.h"

struct holding {
    gpg_error_t (*append)(void *context, struct view piece);
    /* Gives all that was appended, from the beginning. Appending is over then. */
    gpg_error_t (*replay)(void *context, struct source *from);
    /* Empties it, for the next body or the next part of one. */
    gpg_error_t (*clear)(void *context);
    void *context;
};

/* A source that appends to a holding whatever is read through it. */
struct keeping_source {
    struct source from;
    const struct holding *held;
};

struct source keeping_source(struct keeping_source *keeping);

/* A holding in memory, of max octets: GPG_ERR_TOO_LARGE from append past it. */
struct memory_holding {
    struct holding_block *first, *last;
    struct holding_block *at; /* replay */
    uint64_t len, max;
};

#define MEMORY_HOLDING(cap) ((struct memory_holding){ .max = (cap) })

struct holding holding_in_memory(struct memory_holding *memory);

/* Stays usable and empty. */
void memory_holding_free(struct memory_holding *memory);
