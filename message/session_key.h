/* From what a card answered to the session key of a message. */
#pragma once

#include "message/pkesk.h"

struct session_key {
    uint8_t cipher; /* RFC 9580 §9.3; 0: the encrypted packet says it (PKESK version 6) */
    struct secret key;
};

/* What of the recipient's public key the derivation needs. Views are borrowed. */
struct recipient {
    struct view fingerprint; /* ECDH: 20 octets of version 4, 32 of version 5 and 6 */
    uint8_t version;         /* ECDH: of the key, 4, 5 or 6 */
    struct view oid;         /* ECDH: content octets, as in the key packet */
    uint8_t kdf_hash;        /* ECDH: RFC 9580 §9.5, SHA2-256, 384 or 512 */
    uint8_t kdf_cipher;      /* ECDH: RFC 9580 §9.3, AES */
    struct view point;       /* X25519, X448: the public coordinate, 32 or 56 octets */
};

/* Opens a session key (RFC 9580 §5.1.3 to §5.1.7). result is what the token gave: for RSA the
 * unpadded block, for the others the shared coordinate at its full length. recipient may be NULL
 * for RSA. GPG_ERR_DECRYPT_FAILED for every way in which the key can be wrong, and for a shared
 * coordinate of zeros; GPG_ERR_INV_ARG for a recipient that does not fit the algorithm,
 * GPG_ERR_UNSUPPORTED_ALGORITHM for a packet that no token can open. */
gpg_error_t session_key_open(const struct pkesk *p, const struct recipient *recipient,
                             const struct secret *result, struct session_key *key);

/* Takes a session key out of an unwrapped frame of ECDH, which ends in padding (RFC 9580 §11.5):
 * what a PKDECRYPT --kem=PGP gives. Errors as above. */
gpg_error_t session_key_from_frame(const struct pkesk *p, const struct secret *frame,
                                   struct session_key *key);

/* "9:0123..AB", as gpg --override-session-key and sop have it; a cipher of 0 stays "0:". The mode
 * that gpg adds for packet 20, "9.2:", is read and not used: the packet says it. GPG_ERR_INV_DATA,
 * GPG_ERR_CIPHER_ALGO, GPG_ERR_INV_KEYLEN. */
#define SESSION_KEY_TEXT_MAX 80
gpg_error_t session_key_parse(const char *text, struct session_key *key);
gpg_error_t session_key_text(const struct session_key *key, struct secret *text);

/* Wipes, frees, clears. Accepts an empty one. */
void session_key_free(struct session_key *key);
