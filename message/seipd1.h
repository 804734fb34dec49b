/* Version 1 of the integrity protected body: CFB and a SHA-1 of everything (RFC 9580 §5.13.1).
 *
 * And the body without protection (§5.7), for those who insist. */
#pragma once

#include "message/holding.h"
#include "message/session_key.h"

struct seipd1;

/* body follows the version octet. *plaintext gives what it protects as it is read, which is before
 * it is verified: all of it is worth nothing until seipd1_verify has said so. GPG_ERR_CIPHER_ALGO;
 * GPG_ERR_DECRYPT_FAILED for a key of the wrong length. */
gpg_error_t seipd1_open(struct source body, const struct session_key *key, struct seipd1 **s,
                        struct source *plaintext);

/* Reads what is left of the body, and says whether it was right. GPG_ERR_DECRYPT_FAILED when it is
 * not what the session key's owner wrote, be it key or body; what the body returned. */
gpg_error_t seipd1_verify(struct seipd1 *s);

/* The same for those who may have nothing unverified: reads the body to its end and verifies it
 * first. It waits in *held meanwhile, which must be empty and outlive *s; no octet of plaintext
 * comes out before all is verified. The errors of both. */
gpg_error_t seipd1_open_held(struct source body, const struct session_key *key,
                             const struct holding *held, struct seipd1 **s,
                             struct source *plaintext);

/* Opens a body that nothing protects; *plaintext gives whatever the key makes of it. */
gpg_error_t unprotected_open(struct source body, const struct session_key *key, struct seipd1 **s,
                             struct source *plaintext);

/* Accepts NULL; wipes and clears the pointer. */
void seipd1_close(struct seipd1 **s);
