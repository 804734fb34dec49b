/* From a shared secret to what was wrapped with it: key derivation, then AES key unwrap (RFC 3394).
 * Pure; ciphers and digests are libgcrypt's. */
#pragma once

#include "message/key_wrap.h"

/* The wrapped key with its derivation, as gpg's PKDECRYPT --kem names them. Views are borrowed. */
struct wrapped_key {
    int cipher;             /* GCRY_CIPHER_AES, AES192 or AES256 */
    int hash;               /* GCRY_MD_SHA1 (CMS only), SHA256, SHA384 or SHA512 */
    struct view kdf_params; /* RFC 6637 §8 "Param", or the DER of RFC 5753 ECC-CMS-SharedInfo */
    struct view wrapped;    /* RFC 3394 blob */
};

#define KDF_PARAMS_MAX 256

/* OpenPGP: KEK = left(Hash(00000001 ‖ Z ‖ Param)) (RFC 6637 §7). *frame gets the unwrapped octets,
 * padding included. GPG_ERR_INV_DATA for parameters out of bounds, GPG_ERR_CIPHER_ALGO,
 * GPG_ERR_DIGEST_ALGO, and GPG_ERR_DECRYPT_FAILED for every way in which the key can be wrong. */
gpg_error_t ecdh_unwrap_openpgp(const struct secret *z, const struct wrapped_key *key,
                                struct secret *frame);

/* CMS: KEK from Hash(Z ‖ counter ‖ SharedInfo) (RFC 5753 §7.2, X9.63). *key gets the content
 * encryption key. Errors as above. */
gpg_error_t ecdh_unwrap_cms(const struct secret *z, const struct wrapped_key *key,
                            struct secret *content_key);
