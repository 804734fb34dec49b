/* The derivations of a PKESK: from shared coordinate and recipient to what was wrapped. */
#pragma once

#include "message/session_key.h"

/* RFC 9580 §9.5 */
#define HASH_SHA256 8
#define HASH_SHA384 9
#define HASH_SHA512 10

/* ECDH (RFC 9580 §11.5): *frame gets the unwrapped octets with their padding. */
gpg_error_t ecdh_unwrap_frame(const struct pkesk *p, const struct recipient *recipient,
                              const struct secret *z, struct secret *frame);

/* X25519 and X448 (RFC 9580 §5.1.6, §5.1.7): *octets gets the session key. */
gpg_error_t montgomery_unwrap(const struct pkesk *p, struct view recipient_point,
                              const struct secret *z, struct secret *octets);
