/* Algorithm attributes (DOs C1-C3, OpenPGP card specification §4.4.3.9) and the curves they name.
 */
#pragma once

#include "base/bytes.h"

#define RSA_BITS_MAX     4096
#define RSA_OCTETS_MAX   (RSA_BITS_MAX / 8)
#define FIELD_OCTETS_MAX 66                         /* P-521 */
#define POINT_OCTETS_MAX (1 + 2 * FIELD_OCTETS_MAX) /* 04 x y */

struct curve {
    const char *name;    /* as libgcrypt calls it */
    const char *gpg;     /* as gpg writes it: "nistp256" */
    struct view oid;     /* content octets, no tag and length */
    struct view alias;   /* a second OID for the same curve, or empty */
    size_t field_octets; /* length of one coordinate */
    bool montgomery;     /* points are one little-endian coordinate, without a prefix */
    bool edwards;        /* signs only */
};

enum key_kind { KEY_NONE, KEY_RSA, KEY_ECDH, KEY_ECDSA, KEY_EDDSA, KEY_UNKNOWN };

struct key_algorithm {
    enum key_kind kind;
    unsigned rsa_bits; /* KEY_RSA, as the next two */
    unsigned rsa_exponent_bits;
    unsigned rsa_import_format; /* 0..3: which parts of a private key it wants */
    const struct curve *curve;  /* KEY_ECDH, KEY_ECDSA, KEY_EDDSA; static */
};

/* Never fails: attributes that mean nothing to us make a slot KEY_UNKNOWN, not the card useless. */
struct key_algorithm algorithm_parse(struct view attributes);

/* Writes attributes that algorithm_parse reads back; nothing for KEY_NONE and KEY_UNKNOWN.
 * GPG_ERR_TOO_LARGE past the buffer's cap, GPG_ERR_ENOMEM. */
gpg_error_t algorithm_write(const struct key_algorithm *algorithm, struct buffer *attributes);

/* The curve of an OID (content octets); NULL when it is none of ours. */
const struct curve *curve_by_oid(struct view oid);

/* "rsa2048", "nistp256", "cv25519", or "unknown". out has at least ALGORITHM_NAME_MAX octets. */
#define ALGORITHM_NAME_MAX 24
char *algorithm_name(const struct key_algorithm *algorithm, char *out);

/* Length of a public or ephemeral point as a card takes it: 04 x y, or the bare coordinate. */
size_t curve_point_octets(const struct curve *curve);
