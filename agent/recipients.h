/* Which token can open which PKESK, told from public facts alone: no card is asked for a foreign
 * key. Pure. */
#pragma once

#include "agent/card.h"
#include "message/certificate.h"

#define RECIPIENTS_MAX    64          /* PKESK packets of one request */
#define RECIPIENTS_OCTETS (64 * 1024) /* all of them together */

struct recipients {
    struct pkesk *pkesk; /* owned */
    size_t count;
};

/* Reads PKESK packets as they stand in a message; other packets are passed over. GPG_ERR_NO_DATA
 * without any, GPG_ERR_TOO_LARGE past RECIPIENTS_MAX, GPG_ERR_INV_PACKET. */
gpg_error_t recipients_parse(struct view packets, struct recipients *recipients);
void recipients_free(struct recipients *recipients);

enum fit {
    FIT_NONE,     /* not for this token */
    FIT_POSSIBLE, /* names nobody, but is made for a key of this kind and size */
    FIT_NAMED     /* names this token's key */
};

/* Public key packets from a client, without armor: what the token does not say of its key (the
 * derivation of an ECDH key, fingerprints other than the one that it holds). Others are ignored. */
#define CERTIFICATE_OCTETS (64 * 1024)

/* Looks at the decryption slot, whose key must be known. certificate may be empty. */
enum fit recipient_fit(const struct pkesk *pkesk, const struct card_facts *facts,
                       struct view certificate);

/* The ciphertext for decipher_encode: for a curve the point as the card takes it. out has
 * PKESK_RSA_OCTETS_MAX octets. Only for a PKESK that fits. */
struct view recipient_ciphertext(const struct pkesk *pkesk, const struct curve *curve,
                                 uint8_t *out);

/* The session key, from what the card answered. GPG_ERR_DECRYPT_FAILED; GPG_ERR_NOT_FOUND when the
 * card does not tell enough of an ECDH key to derive with, nor does the certificate. */
gpg_error_t recipient_session_key(const struct pkesk *pkesk, const struct card_facts *facts,
                                  struct view certificate, const struct secret *plain,
                                  struct session_key *key);
