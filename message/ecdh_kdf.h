/* The derivations of a PKESK: from shared coordinate and recipient to what was wrapped. */
#pragma once

#include "message/session_key.h"

/* RFC 9580 §9.5 */
#define HASH_SHA256 8
#define HASH_SHA384 9
#define HASH_SHA512 10

/* libgcrypt's numbers for OpenPGP's, 0 for what ECDH does not allow (RFC 9580 §11.5.1). */
int ecdh_kdf_hash(uint8_t hash);
int ecdh_kdf_cipher(uint8_t cipher);

/* Writes the "Param" of RFC 9580 §11.5 for a recipient; len octets of out (KDF_PARAMS_MAX). False
 * when the recipient is not well formed. */
bool ecdh_kdf_params(const struct recipient *recipient, uint8_t *out, size_t *len);

/* ECDH (RFC 9580 §11.5): *frame gets the unwrapped octets with their padding. */
gpg_error_t ecdh_unwrap_frame(const struct pkesk *p, const struct recipient *recipient,
                              const struct secret *z, struct secret *frame);

/* X25519 and X448 (RFC 9580 §5.1.6, §5.1.7): *octets gets the session key. */
gpg_error_t montgomery_unwrap(const struct pkesk *p, struct view recipient_point,
                              const struct secret *z, struct secret *octets);
