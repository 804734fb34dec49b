/* BER-TLV with definite lengths and tags of one or two octets, which is all that the card uses. */
#pragma once

#include "base/bytes.h"

/* Takes one tag and length, or one whole object, from the front. False, with *v and the outputs
 * untouched, when it is malformed or runs past the end. */
bool token_tl_take(struct view *v, unsigned int *tag, size_t *len);
bool token_tlv_take(struct view *v, unsigned int *tag, struct view *value);

/* Looks through the objects of v, not into them. */
bool token_tlv_find(struct view v, unsigned int tag, struct view *value);

/* Appends an object, its length in the shortest form; or its tag and length alone. */
gpg_error_t token_tlv_append(struct buffer *b, unsigned int tag, struct view value);
gpg_error_t token_tl_append(struct buffer *b, unsigned int tag, size_t len);
