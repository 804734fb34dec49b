/* The derivation parameters of a version 4 ECDH key, found from its card alone. */
#pragma once

#include "message/ecdh_kdf.h"

struct ecdh_parameters {
    uint8_t hash;   /* RFC 9580 §9.5 */
    uint8_t cipher; /* RFC 9580 §9.3 */
};

/* A key packet names the hash and the cipher of its derivation (RFC 9580 §5.5.5.6), and a card does
 * not know them. But they are part of what the fingerprint is made of (§5.5.4), so: all nine pairs
 * that a key may have, until the fingerprint is the one the card has in DO C5. created is from DO
 * CE, oid the curve's content octets as in key packets, point the card's: 04 x y or a bare
 * coordinate. GPG_ERR_NOT_FOUND when none fits: the fingerprint is of another key. */
gpg_error_t ecdh_parameters_find(uint32_t created, struct view oid, struct view point,
                                 const uint8_t fingerprint[FINGERPRINT_OCTETS_V4],
                                 struct ecdh_parameters *found);
