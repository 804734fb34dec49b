/* Public-key encrypted session keys (RFC 9580 §5.1): who can open a message, and with what. */
#pragma once

#include "message/key_wrap.h"

/* RFC 9580 §9.1 */
enum public_key_algorithm {
    ALGORITHM_RSA = 1,
    ALGORITHM_RSA_ENCRYPT_ONLY = 2,
    ALGORITHM_ECDH = 18,
    ALGORITHM_X25519 = 25,
    ALGORITHM_X448 = 26,
};

#define PKESK_RSA_OCTETS_MAX   512 /* 4096 bits */
#define PKESK_POINT_OCTETS_MAX 133 /* 04 x y on P-521 */
#define PKESK_OCTETS_MAX       (64 * 1024)

#define KEY_ID_OCTETS         8
#define FINGERPRINT_OCTETS_V4 20
#define FINGERPRINT_OCTETS_V6 32

struct pkesk {
    uint8_t version; /* 3 or 6 */
    uint8_t algorithm;
    /* Whether a token can do the algorithm. Without it only the recipient below is known. */
    bool on_token;
    uint8_t key_id[KEY_ID_OCTETS];              /* version 3: all zero for a hidden recipient */
    uint8_t fingerprint[FINGERPRINT_OCTETS_V6]; /* version 6 */
    size_t fingerprint_len;                     /* 20, 32, or 0 for a hidden recipient */
    /* RSA: the cryptogram as a number without leading zeros. ECDH: the point as the packet has it,
     * 04 x y or 40 x. X25519, X448: the bare coordinate. */
    uint8_t encrypted[PKESK_RSA_OCTETS_MAX];
    size_t encrypted_len;
    uint8_t wrapped[WRAPPED_KEY_MAX]; /* all but RSA */
    size_t wrapped_len;
    uint8_t cipher; /* X25519 and X448 in version 3: the session key's, in clear; else 0 */
};

/* Reads a packet body. GPG_ERR_UNKNOWN_VERSION for a version other than 3 and 6, GPG_ERR_INV_PACKET
 * for a body that is not well formed. An algorithm that no token has (Elgamal, ML-KEM, Kyber, those
 * unknown, RSA beyond 4096 bits) is no error here: on_token is false. *p is untouched on
 * failure. */
gpg_error_t pkesk_parse(struct view body, struct pkesk *p);

/* Appends the packet with its header, as it would stand in a message; only for one that a token can
 * do. GPG_ERR_TOO_LARGE past the cap. */
gpg_error_t pkesk_write(const struct pkesk *p, struct buffer *packet);

/* True if the packet does not say for whom it is (RFC 9580 §5.1.8). */
bool pkesk_is_hidden(const struct pkesk *p);

/* True if the packet names the key with this fingerprint: 20 octets for version 4, 32 for 5 and 6.
 */
bool pkesk_names(const struct pkesk *p, struct view fingerprint);

/* A few words for humans: "RSA", "ECDH", "X25519", "ML-KEM-768 with X25519", "unknown". */
const char *public_key_algorithm_name(uint8_t algorithm);
