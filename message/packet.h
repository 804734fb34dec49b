/* Packets: headers of the old and the new format, lengths of every kind (RFC 9580 §4.2). */
#pragma once

#include "message/stream.h"

/* RFC 9580 §5; 20 is LibrePGP's. */
enum packet_tag {
    PACKET_PKESK = 1,
    PACKET_SIGNATURE = 2,
    PACKET_SKESK = 3,
    PACKET_ONE_PASS_SIGNATURE = 4,
    PACKET_PUBLIC_KEY = 6,
    PACKET_COMPRESSED = 8,
    PACKET_ENCRYPTED = 9, /* without integrity protection */
    PACKET_MARKER = 10,
    PACKET_LITERAL = 11,
    PACKET_TRUST = 12,
    PACKET_PUBLIC_SUBKEY = 14,
    PACKET_SEIPD = 18,
    PACKET_MDC = 19,
    PACKET_AEAD = 20,
    PACKET_PADDING = 21,
};

#define PACKET_FIRST_NON_CRITICAL 40  /* RFC 9580 §4.3 */
#define PACKET_PARTIAL_FIRST_MIN  512 /* RFC 9580 §4.2.1.4 */

/* A packet whose body is being read from `in`, which it borrows. */
struct packet {
    uint8_t tag;
    struct input *in;
    uint64_t left; /* octets of the body up to its end or the next length */
    bool partial;  /* another length follows */
    bool to_end;   /* old format without a length: the body ends with the input */
};

/* Reads a header. GPG_ERR_EOF at a clean end of the input, GPG_ERR_TRUNCATED inside a header,
 * GPG_ERR_INV_PACKET for what cannot be one: no bit 7, tag 0, a partial or missing length where
 * only data may have it, a first part below 512 octets. *p is untouched on failure. */
gpg_error_t packet_next(struct input *in, struct packet *p);

/* The body as a source, valid while p is. GPG_ERR_TRUNCATED when the input ends before the body. */
struct source packet_body(struct packet *p);

/* Passes over what is left of the body. */
gpg_error_t packet_skip(struct packet *p);

/* Appends what is left of the body to *body. GPG_ERR_TOO_LARGE past its cap. */
gpg_error_t packet_read(struct packet *p, struct buffer *body);

/* True for a packet that changes nothing in a message, wherever it stands: marker, padding, trust,
 * and the unknown ones that may be ignored (RFC 9580 §4.3, §5.8, §5.10, §5.14). */
bool packet_is_ignorable(uint8_t tag);
