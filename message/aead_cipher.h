/* The cipher of a body in chunks: its keys, its nonces, and what each tag seals. */
#pragma once

#include "message/aead.h"

#include <gcrypt.h>

#define AEAD_TAG_OCTETS   16
#define AEAD_FIXED_OCTETS 5 /* of the additional data: tag, version, cipher, mode, chunk octet */

struct aead_cipher {
    gcry_cipher_hd_t handle;
    bool packet_20;
    uint8_t fixed[AEAD_FIXED_OCTETS];
    uint8_t nonce[AEAD_NONCE_OCTETS_MAX];
    size_t nonce_len;
};

/* GPG_ERR_DECRYPT_FAILED for a session key that does not fit the header. */
gpg_error_t aead_cipher_open(struct aead_cipher *c, const struct aead_header *header,
                             const struct session_key *key);

/* Begins the chunk with this index, counted from 0. */
gpg_error_t aead_cipher_begin(struct aead_cipher *c, uint64_t index);

/* Deciphers octets of the chunk in place: whole blocks of 16, but for its end. */
gpg_error_t aead_cipher_run(struct aead_cipher *c, uint8_t *octets, size_t len);

/* Deciphers the end of the chunk in place. tag is what must seal it, or GPG_ERR_DECRYPT_FAILED;
 * NULL for a chunk that has been verified before. */
gpg_error_t aead_cipher_end(struct aead_cipher *c, uint8_t *octets, size_t len, const uint8_t *tag);

/* Checks the tag that seals the body: chunks of them, total octets of plaintext. */
gpg_error_t aead_cipher_check_final(struct aead_cipher *c, uint64_t chunks, uint64_t total,
                                    const uint8_t *tag);

/* Leaves it zeroed; accepts that. */
void aead_cipher_close(struct aead_cipher *c);
