/* Bodies of authenticated chunks: version 2 of the integrity protected body (RFC 9580 §5.13.2) and
 * LibrePGP's packet 20 (LibrePGP §5.16). */
#pragma once

#include "message/holding.h"
#include "message/session_key.h"

enum aead_mode { AEAD_EAX = 1, AEAD_OCB = 2, AEAD_GCM = 3 }; /* RFC 9580 §9.6 */

#define AEAD_SALT_OCTETS      32
#define AEAD_NONCE_OCTETS_MAX 16
#define AEAD_CHUNK_OCTET_MAX  16 /* RFC 9580 §5.13.2.1; packet 20 may go to 56 */

struct aead_header {
    bool packet_20;
    uint8_t cipher;
    uint8_t mode;
    uint8_t chunk_octet; /* a chunk has 2^(6 + this) octets of plaintext */
    /* Version 2: the salt. Packet 20: the starting nonce. */
    uint8_t salt[AEAD_SALT_OCTETS];
};

/* Reads what follows the version octet. GPG_ERR_CIPHER_ALGO and GPG_ERR_UNSUPPORTED_ALGORITHM (of
 * the mode) for what we cannot do, GPG_ERR_INV_PACKET for a chunk size out of bounds. */
gpg_error_t aead_read_header(struct input *body, bool packet_20, struct aead_header *header);

struct aead;

/* *plaintext gives the chunks as they are verified, the last only when the final tag (which seals
 * the length) is right too. GPG_ERR_DECRYPT_FAILED from it for a chunk that is wrong, missing or
 * out of order. Chunks of more than 4 MiB, which packet 20 allows, wait in *held, which must be
 * empty and outlive *a. GPG_ERR_DECRYPT_FAILED here for a key that does not fit the header. */
gpg_error_t aead_open(struct source body, const struct aead_header *header,
                      const struct session_key *key, const struct holding *held, struct aead **a,
                      struct source *plaintext);

/* Accepts NULL; wipes and clears the pointer. */
void aead_close(struct aead **a);
