/* DO F9, KDF-DO: some cards want a digest of the PIN instead of the PIN (OpenPGP card specification
 * §4.3.2). */
#pragma once

#include "base/secret.h"

#define KDF_SALT_MAX   16
#define KDF_DIGEST_MAX 64

/* The largest count that RFC 9580 §3.7.1.3 can express. A card that asks for more wants our time.
 */
#define KDF_COUNT_MAX 65011712u

/* P2 of VERIFY: which password, §7.2.2 */
enum password { PASSWORD_PW1_SIGN = 0x81, PASSWORD_PW1 = 0x82, PASSWORD_PW3 = 0x83 };

struct kdf_salt {
    uint8_t bytes[KDF_SALT_MAX];
    size_t len;
};

struct kdf_do {
    bool active;    /* false: PINs are sent as they are */
    int hash;       /* libgcrypt's: GCRY_MD_SHA256 or GCRY_MD_SHA512 */
    uint32_t count; /* octets hashed */
    struct kdf_salt pw1, pw3;
};

/* Reads the answer to GET DATA F9, the object or its content; nothing at all means inactive.
 * GPG_ERR_UNSUPPORTED_PROTOCOL for algorithms that we do not know or a count above the bound: then
 * no PIN may be sent, since each would be wrong. */
gpg_error_t kdf_do_parse(struct view answer, struct kdf_do *kdf);

/* What VERIFY sends for a PIN: its digest, or a copy of it when the KDF is inactive.
 * GPG_ERR_BAD_PIN for an empty one. */
gpg_error_t kdf_do_apply(const struct kdf_do *kdf, enum password which, const struct secret *pin,
                         struct secret *sent);
