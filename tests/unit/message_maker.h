/* Makes OpenPGP messages, right ones and wrong ones, for the tests of message/. Slow and simple, so
 * that it can be seen to be right; gpg, sq and OpenPGP.js make those that prove anything. */
#pragma once

#include "message/message.h"

#define MAKER_MAX (64UL * 1024 * 1024)
#define MAKER     BUFFER(MAKER_MAX)

/* All append to *out, and end the program when they cannot. */
void make_packet(uint8_t tag, struct view body, struct buffer *out);
void make_literal(const char *name, struct view text, struct buffer *out);
/* algorithm: RFC 9580 §9.4, zip or zlib or bzip2 */
void make_compressed(uint8_t algorithm, struct view packets, struct buffer *out);
/* The body of a packet 18, version octet included; the MDC, too, is for the caller to break. */
void make_seipd1_body(const struct session_key *key, struct view packets, struct buffer *out);
/* A packet 9. */
void make_unprotected(const struct session_key *key, struct view packets, struct buffer *out);
/* The body of a packet 18 or 20, version octet included. */
void make_aead_body(const struct session_key *key, const struct aead_header *header,
                    struct view packets, struct buffer *out);

/* A key of zeros and ones for the cipher; free with session_key_free. */
struct session_key make_key(uint8_t cipher);

/* A source that gives a view in pieces of a chosen size. */
struct chopped {
    struct view rest;
    size_t piece;
};
struct source chopped_source(struct chopped *c);

/* A sink that keeps what it is given in a buffer. */
struct sink buffer_sink(struct buffer *b);

/* Opens and decrypts a message given in pieces of that size; *out gets the plaintext, also that
 * which came before an error. options and report may be NULL. */
gpg_error_t decrypt_pieces(struct view message, size_t piece, const struct session_key *key,
                           const struct decrypt_options *options, struct buffer *out,
                           struct content_report *report);
gpg_error_t decrypt_bytes(struct view message, const struct session_key *key, struct buffer *out);
