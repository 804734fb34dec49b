/* Where bytes come from and where they go: pieces that are lent, not copied.
 *
 * A message is read by layers, each a source that pulls from the source below it: file, armor,
 * packet body, cipher, decompressor. The caller brings the lowest source and the sink. */
#pragma once

#include "base/bytes.h"

#define PIECE_OCTETS (64 * 1024) /* what a layer with a buffer of its own gives at a time */

struct source {
    /* Lends the next piece, valid until the next call: never empty before the end, empty at the
     * end, however often it is asked. Any error ends the reading. */
    gpg_error_t (*next)(void *context, struct view *piece);
    void *context;
};

struct sink {
    gpg_error_t (*write)(void *context, struct view piece); /* takes all of it */
    void *context;
};

/* A source over bytes in memory: *bytes is consumed as it is read. */
struct source source_of_view(struct view *bytes);

/* Reads a source by octets and by pieces. Make one with INPUT(source). */
struct input {
    struct source from;
    struct view piece;      /* what is left of the piece at hand */
    uint64_t octets_so_far; /* taken from this input */
};

#define INPUT(source) ((struct input){ .from = (source) })

/* What is left of an input, as a source; *in is consumed as it is read. */
struct source source_of_input(struct input *in);

/* Looks at what comes next without taking it; empty at the end. */
gpg_error_t input_peek(struct input *in, struct view *piece);

/* Takes up to max octets (max > 0) as they lie in memory; empty at the end. */
gpg_error_t input_next(struct input *in, uint64_t max, struct view *piece);

/* Takes exactly len octets. GPG_ERR_TRUNCATED when there are fewer. */
gpg_error_t input_read(struct input *in, void *out, size_t len);

/* Takes up to size octets, fewer only at the end; *len is what was taken. */
gpg_error_t input_fill(struct input *in, void *out, size_t size, size_t *len);
