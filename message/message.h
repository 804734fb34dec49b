/* An encrypted OpenPGP message, from its bytes to its plaintext (RFC 9580 §10.3).
 *
 *     message_open        for whom is it?      -> message_pkesk
 *     session_key_open    what a token said    -> session key
 *     message_decrypt     plaintext            -> a sink
 *
 * Nothing is given out that is not authenticated, save to who promises to destroy it. */
#pragma once

#include "message/aead.h"
#include "message/content.h"

#define MESSAGE_MAX_OUTPUT     (UINT64_C(16) << 30)
#define MESSAGE_RECIPIENTS_MAX 4096

/* The name that a program gives to decrypt_options.accept_unprotected. */
#define OPTION_ACCEPT_UNPROTECTED "--accept-unprotected"

struct message;

/* Reads everything before the encrypted body, through armor if there is any. from must outlive the
 * message. PKESKs of a version unknown, or that does not go with the body (RFC 9580 §10.3.2.1), are
 * passed over. GPG_ERR_NO_DATA for what is no OpenPGP message, GPG_ERR_NOT_ENCRYPTED,
 * GPG_ERR_TRUNCATED, GPG_ERR_INV_PACKET, GPG_ERR_UNKNOWN_PACKET, GPG_ERR_UNKNOWN_VERSION of the
 * body, GPG_ERR_TOO_LARGE for more recipients than MESSAGE_RECIPIENTS_MAX, GPG_ERR_CIPHER_ALGO,
 * GPG_ERR_UNSUPPORTED_ALGORITHM of the body's mode. */
gpg_error_t message_open(struct source from, struct message **m);

/* The recipients, in their order; NULL past the last. Borrowed. */
const struct pkesk *message_pkesk(const struct message *m, size_t i);

/* How many passphrases open it (SKESK packets); we open none of them. */
size_t message_passphrases(const struct message *m);

struct decrypt_options {
    uint64_t max_output;     /* octets of plaintext; 0: MESSAGE_MAX_OUTPUT */
    bool accept_unprotected; /* packet 9, whose plaintext anybody may have changed */
    bool unwrap; /* give out what was encrypted as it is: packets, for a verifier of signatures */
    bool provisional; /* out is destroyed, and has been seen by nobody, unless this succeeds */
};

/* Decrypts to out, once per message. A body of version 1, unless out is provisional, and chunks
 * over 4 MiB, wait in *held as ciphertext; it must be empty. GPG_ERR_DECRYPT_FAILED for every way
 * in which the session key can be wrong or the body changed; GPG_ERR_NOT_ENABLED for a body without
 * protection; GPG_ERR_TRUNCATED for one that is cut short; those of content_read; what out and held
 * return. What out has received before an error was authentic, unless it is provisional, but is not
 * all there was. *report is written in any case, of authentic text alone. */
gpg_error_t message_decrypt(struct message *m, const struct session_key *key,
                            const struct decrypt_options *options, const struct holding *held,
                            const struct sink *out, struct content_report *report);

/* Accepts NULL; clears the pointer. */
void message_close(struct message **m);
