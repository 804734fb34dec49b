/* What PSO:DECIPHER takes and gives (OpenPGP card specification §7.2.11). */
#pragma once

#include "apdu/public_key.h"
#include "base/secret.h"

/* Data of the command for a ciphertext made for `key`:
 *   RSA   cryptogram as a number, any leading zeros; it is padded to the modulus' length
 *   ECDH  ephemeral point as the card takes it: 04 x y, or the bare coordinate
 * GPG_ERR_INV_DATA when it cannot have been made for this key: not below the modulus, a point of
 * the wrong length, off the curve or of a small order. GPG_ERR_WRONG_KEY_USAGE for a key that opens
 * nothing. */
gpg_error_t decipher_encode(const struct public_key *key, struct view ciphertext,
                            struct buffer *data);

/* What the answer means:
 *   RSA   the unpadded message
 *   ECDH  the shared x coordinate, at full width
 * GPG_ERR_CARD for an answer of an impossible length, GPG_ERR_DECRYPT_FAILED for an empty message,
 * GPG_ERR_INV_DATA for an all-zero Montgomery result: such a point was made to leak (RFC 7748 §6).
 * GPG_ERR_WRONG_KEY_USAGE as above. */
gpg_error_t decipher_decode(const struct public_key *key, struct view answer, struct secret *plain);
