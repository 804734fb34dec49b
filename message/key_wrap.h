/* AES key wrap (RFC 3394) and HKDF (RFC 5869): what every elliptic PKESK ends with. */
#pragma once

#include "base/secret.h"

#define WRAPPED_KEY_MIN 24  /* RFC 3394 §2: two blocks at least, and the check block */
#define WRAPPED_KEY_MAX 248 /* one octet of length, in whole blocks */

/* Unwraps with an AES key (cipher: GCRY_CIPHER_AES, AES192, AES256). GPG_ERR_DECRYPT_FAILED when
 * the check block is wrong, GPG_ERR_INV_DATA for a length out of bounds. */
gpg_error_t aes_key_unwrap(int cipher, const struct secret *kek, struct view wrapped,
                           struct secret *plain);

/* Derives len octets, at most 255 digests of them. An empty salt is a digest of zeros (§2.2). hash
 * is GCRY_MD_SHA256 or GCRY_MD_SHA512. */
gpg_error_t hkdf(int hash, struct view ikm, struct view salt, struct view info, size_t len,
                 struct secret *okm);
