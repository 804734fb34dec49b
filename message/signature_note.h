/* What is said of signatures that Cardea passes over: who seems to have made them, and how. */
#pragma once

#include "message/pkesk.h"

#define SIGNATURE_OCTETS_MAX (64 * 1024)

struct signature_note {
    bool one_pass; /* announces a signature that follows the data */
    uint8_t version;
    uint8_t type;                  /* RFC 9580 §5.2.1 */
    uint8_t algorithm;             /* RFC 9580 §9.1 */
    uint8_t hash;                  /* RFC 9580 §9.5 */
    uint8_t key_id[KEY_ID_OCTETS]; /* zero when the signature does not say */
    uint8_t fingerprint[FINGERPRINT_OCTETS_V6];
    size_t fingerprint_len; /* 0 when it does not say */
};

/* Read the body of a signature (RFC 9580 §5.2) and of a one-pass signature (§5.4). Nothing is
 * verified; the issuer is what an unverified signature claims. False, with *note untouched, for a
 * version unknown or a body too short. */
bool signature_note_read(struct view body, struct signature_note *note);
bool one_pass_note_read(struct view body, struct signature_note *note);
