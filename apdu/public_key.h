/* A slot's public key: DO 7F49 (OpenPGP card specification §7.2.14) and what GnuPG calls it. */
#pragma once

#include "apdu/algorithm.h"

#include <gcrypt.h>

#define KEYGRIP_LEN      20
#define RSA_EXPONENT_MAX 8

struct public_key {
    struct key_algorithm algorithm;
    struct {
        uint8_t bytes[RSA_OCTETS_MAX];
        size_t len;
    } n; /* KEY_RSA: the modulus, no leading zeros */
    struct {
        uint8_t bytes[RSA_EXPONENT_MAX];
        size_t len;
    } e;
    struct {
        uint8_t bytes[POINT_OCTETS_MAX];
        size_t len;
    } q; /* the others: 04 x y, or the bare coordinate */
    uint8_t keygrip[KEYGRIP_LEN];
};

/* Reads the answer to READ PUBLIC KEY for a slot with this algorithm; the object 7F49 or its
 * content. Checks what it reads: the modulus has the announced length, the exponent is odd and
 * above 1, the point lies on the curve. GPG_ERR_BAD_PUBKEY otherwise, GPG_ERR_PUBKEY_ALGO for an
 * unknown one. */
gpg_error_t public_key_parse(struct view answer, const struct key_algorithm *algorithm,
                             struct public_key *key);

/* Writes the object 7F49 for a key that public_key_parse has read, which reads it back.
 * GPG_ERR_TOO_LARGE past the buffer's cap, GPG_ERR_ENOMEM. */
gpg_error_t public_key_write(const struct public_key *key, struct buffer *object);

/* (public-key (rsa …)) or (public-key (ecc …)) as gpg-agent writes it; the caller releases it. */
gpg_error_t public_key_sexp(const struct public_key *key, gcry_sexp_t *r_sexp);
