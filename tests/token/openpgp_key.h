/* Secret keys as OpenPGP writes them (RFC 4880 §5.5, RFC 9580 §5.5): version 4, not protected. */
#pragma once

#include "base/bytes.h"

#define OPENPGP_FINGERPRINT_LEN 20

/* Key flags, RFC 4880 §5.2.3.21 */
#define OPENPGP_MAY_SIGN         0x02
#define OPENPGP_MAY_ENCRYPT      0x0C
#define OPENPGP_MAY_AUTHENTICATE 0x20

/* Public key algorithms, RFC 9580 §9.1 */
enum openpgp_algorithm {
    OPENPGP_RSA = 1,
    OPENPGP_ECDH = 18,
    OPENPGP_ECDSA = 19,
    OPENPGP_EDDSA = 22,
    OPENPGP_X25519 = 25,
    OPENPGP_X448 = 26,
    OPENPGP_ED25519 = 27
};

struct openpgp_secret_key {
    enum openpgp_algorithm algorithm;
    uint32_t created;
    uint8_t fingerprint[OPENPGP_FINGERPRINT_LEN];
    struct view e, p, q; /* RSA; borrowed, shortest form */
    struct view oid;     /* ECDH, ECDSA, EdDSA */
    struct view d;       /* all but RSA: big-endian without leading zeros, or the curve's octets */
};

/* Reads the body of a secret key or secret subkey packet. GPG_ERR_BAD_DATA,
 * GPG_ERR_BAD_PASSPHRASE when it is protected, GPG_ERR_NO_SECKEY when it is a stub of a secret that
 * lies elsewhere, GPG_ERR_PUBKEY_ALGO, GPG_ERR_UNKNOWN_VERSION. */
gpg_error_t openpgp_secret_key_parse(struct view body, struct openpgp_secret_key *key);

/* Key flags of the hashed part of a version 4 signature; false when it tells none. */
bool openpgp_key_flags(struct view signature, uint8_t *type, uint8_t *flags);

/* Takes a packet from the front. False at the end and when it is malformed: then *v is not empty.
 */
bool openpgp_packet_take(struct view *v, unsigned int *tag, struct view *body);

/* Armor to octets; input that is not armored is copied. GPG_ERR_BAD_DATA. */
gpg_error_t openpgp_dearmor(struct view text, struct buffer *out);
