/* Public keys of a certificate: as much as the derivation and the search for a token need. */
#pragma once

#include "message/ecdh_kdf.h"
#include "message/packet.h"

#define PUBLIC_KEY_OCTETS_MAX (16 * 1024)

/* A key of a certificate. Views point into the certificate's buffer, valid until the next key. */
struct certificate_key {
    uint8_t version; /* 4, 5 or 6 */
    uint8_t algorithm;
    bool subkey;
    uint32_t created;
    uint8_t fingerprint[FINGERPRINT_OCTETS_V6];
    size_t fingerprint_len;
    struct view modulus; /* RSA, without leading zeros */
    struct view oid;     /* ECDH: content octets */
    struct view point;   /* ECDH: as the packet has it, 04 x y or 40 x; X25519, X448: bare */
    uint8_t kdf_hash;    /* ECDH */
    uint8_t kdf_cipher;  /* ECDH */
};

/* Zero-initialise but for `packets`; free with certificate_close. */
struct certificate {
    struct input packets; /* without armor */
    struct buffer body;
};

#define CERTIFICATE(source)                                                                        \
    ((struct certificate){ .packets = INPUT(source), .body = BUFFER(PUBLIC_KEY_OCTETS_MAX) })

/* The next key, primary or not, of any certificate in the input. Keys of another version or that
 * are not well formed are passed over. GPG_ERR_EOF after the last. */
gpg_error_t certificate_next_key(struct certificate *c, struct certificate_key *key);

/* The recipient of a key, for session_key_open. */
struct recipient certificate_recipient(const struct certificate_key *key);

void certificate_close(struct certificate *c);
