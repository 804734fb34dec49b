/* BER-TLV (ISO 7816-4 §5.2.2, ISO 8825-1) as cards write it: tags of up to three octets, definite
 * lengths of up to four octets, minimal or not, any order, filler between objects. */
#pragma once

#include "base/bytes.h"

struct tlv {
    uint32_t tag;
    struct view value;
};

/* Takes the first object off *rest. False at the end of the data, and at anything malformed: what
 * stands behind it cannot be trusted. */
bool tlv_next(struct view *rest, struct tlv *tlv);

/* The first object with this tag among those directly in data. */
bool tlv_find(struct view data, uint32_t tag, struct view *value);

/* Some cards answer GET DATA of a constructed object with the object, some with its content.
 * Returns the content: the outer tag is stripped if it is there and its length spans the rest, or
 * runs past the end by at most `slack` octets (old YubiKeys, DO FA). */
struct view tlv_content(struct view data, uint32_t tag, size_t slack);

/* Appends tag and value with a minimal length. value must not lie in *out. */
gpg_error_t tlv_append(struct buffer *out, uint32_t tag, struct view value);
