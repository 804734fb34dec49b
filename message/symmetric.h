/* Symmetric ciphers (RFC 9580 §9.3) that a message may be encrypted with. */
#pragma once

#include "base/secret.h"

#include <gcrypt.h>

struct symmetric {
    uint8_t id; /* OpenPGP's */
    int gcrypt;
    uint8_t key_octets;
    uint8_t block_octets;
};

#define SYMMETRIC_AES128  7
#define SYMMETRIC_AES192  8
#define SYMMETRIC_AES256  9
#define SYMMETRIC_KEY_MAX 32

/* NULL when it is none of 3DES, CAST5, AES, Twofish, Camellia. */
const struct symmetric *symmetric_by_id(uint8_t id);

/* Opens a cipher with its key. GPG_ERR_DECRYPT_FAILED for a key of the wrong length; a weak key of
 * an old cipher is accepted: whoever encrypted to it chose it. */
gpg_error_t symmetric_open(const struct symmetric *cipher, int mode, unsigned flags,
                           struct view key, gcry_cipher_hd_t *handle);
