/* What a client asks PKDECRYPT to open: the canonical S-expression behind INQUIRE CIPHERTEXT, made
 * a typed request. Every field is bounded here and nowhere else. Pure. */
#pragma once

#include "apdu/algorithm.h"
#include "message/ecdh_unwrap.h"

#define CIPHERTEXT_MAX 4096 /* octets of the whole S-expression, as gpg-agent has it */

enum kem { KEM_NONE, KEM_PGP, KEM_CMS };

struct ciphertext {
    enum { CIPHERTEXT_RSA, CIPHERTEXT_ECDH } kind;
    /* RSA: the cryptogram as a number without leading zeros, 1..512 octets.
     * ECDH: the ephemeral point as the client wrote it, 1..133 octets. */
    uint8_t data[RSA_OCTETS_MAX];
    size_t len;
    /* ECDH with a KEM: the key to unwrap; its views point into the arrays below. */
    struct wrapped_key key;
    uint8_t kdf_params[KDF_PARAMS_MAX];
    uint8_t wrapped[WRAPPED_KEY_MAX];
};

/* Reads (enc-val (rsa (a N))), (enc-val (ecdh (s S) (e E))) or, with a KEM,
 * (enc-val (ecc (c C) (h H) (e E) (s S) (kdf-params K))). Unknown elements are passed over.
 * GPG_ERR_INV_SEXP, GPG_ERR_INV_DATA for a missing field or one out of bounds,
 * GPG_ERR_UNSUPPORTED_ALGORITHM for others than these. *c is untouched on failure. */
gpg_error_t ciphertext_parse(struct view sexp, enum kem kem, struct ciphertext *c);

/* The ephemeral point as a card takes it for this curve: a coordinate without its 40 and at full
 * length, or 04 x y. out holds POINT_OCTETS_MAX. GPG_ERR_INV_DATA when it cannot be one. */
gpg_error_t ciphertext_point(const struct ciphertext *c, const struct curve *curve, uint8_t *out,
                             size_t *len);
