/* What is inside an encrypted message: literal data, compressed or signed or both (RFC 9580 §10.3).
 */
#pragma once

#include "message/compressed.h"
#include "message/packet.h"
#include "message/signature_note.h"

#define CONTENT_DEPTH_MAX  8 /* compression inside compression */
#define CONTENT_SIGNATURES 16

/* Literal data says this of itself (RFC 9580 §5.9); nothing of it is trustworthy. */
struct literal_header {
    bool present;
    uint8_t format; /* 'b', 't', 'u' */
    uint8_t name_len;
    char name[256]; /* with a NUL at its end; outside text all the same */
    uint32_t date;  /* seconds since 1970; 0: none */
};

struct content_report {
    struct literal_header literal;
    uint64_t octets; /* of plaintext given to the sink */
    struct signature_note signatures[CONTENT_SIGNATURES];
    size_t signature_count; /* may exceed CONTENT_SIGNATURES; those beyond are only counted */
    const char *problem;    /* what went wrong, in words; static, NULL when there are none */
};

/* Reads the packets of plain to the end and gives the literal data to *out, piece by piece and as
 * it is: line ends are not converted, whatever its format says.
 * encrypted is what the packets are decrypted from, max_output what they may grow to.
 * GPG_ERR_TOO_LARGE past a bound, GPG_ERR_INV_PACKET for packets that are none or not in the order
 * of a message, GPG_ERR_UNKNOWN_PACKET for an unknown critical one, GPG_ERR_NOT_SUPPORTED for
 * encryption inside encryption, GPG_ERR_NO_DATA without literal data; what *out returns. */
gpg_error_t content_read(struct source plain, const struct input *encrypted, uint64_t max_output,
                         const struct sink *out, struct content_report *report);
