#include "tests/token/openpgp_key.h"

#include <gcrypt.h>
#include <string.h>

#define KEY_VERSION 4

/* S2K usage, RFC 4880 §5.5.3, and GnuPG's extension for stubs */
#define USAGE_PLAIN    0
#define USAGE_CHECKSUM 255
#define USAGE_SHA1     254
#define S2K_GNU        101

static bool take_length(struct view *v, uint8_t first, size_t *len)
{
    uint8_t second;
    uint32_t long_length;

    if (first < 192) {
        *len = first;
        return true;
    }
    if (first < 224) {
        if (!view_u8(v, &second))
            return false;
        *len = ((size_t)(first - 192) << 8) + second + 192;
        return true;
    }
    /* Partial lengths are for data packets only. */
    if (first != 255 || !view_u32(v, &long_length))
        return false;
    *len = long_length;
    return true;
}

static bool take_old_length(struct view *v, unsigned int type, size_t *len)
{
    uint8_t one;
    uint16_t two;
    uint32_t four;

    if (type == 0 && view_u8(v, &one))
        *len = one;
    else if (type == 1 && view_u16(v, &two))
        *len = two;
    else if (type == 2 && view_u32(v, &four))
        *len = four;
    else
        return false;
    return true;
}

bool openpgp_packet_take(struct view *v, unsigned int *tag, struct view *body)
{
    struct view rest = *v;
    uint8_t head, first;
    size_t len;

    if (!view_u8(&rest, &head) || !(head & 0x80))
        return false;
    if (head & 0x40) {
        if (!view_u8(&rest, &first) || !take_length(&rest, first, &len))
            return false;
        *tag = head & 0x3F;
    } else {
        if (!take_old_length(&rest, head & 0x03, &len))
            return false;
        *tag = head >> 2 & 0x0F;
    }
    if (!view_take(&rest, len, body))
        return false;
    *v = rest;
    return true;
}

static bool take_mpi(struct view *v, struct view *number)
{
    uint16_t bits;

    if (!view_u16(v, &bits) || !view_take(v, ((size_t)bits + 7) / 8, number))
        return false;
    *number = view_strip_zeros(*number);
    return true;
}

static bool take_oid(struct view *v, struct view *oid)
{
    uint8_t len;

    return view_u8(v, &len) && len != 0 && len != 0xFF && view_take(v, len, oid);
}

static size_t native_len(enum openpgp_algorithm algorithm)
{
    return algorithm == OPENPGP_X448 ? 56 : 32;
}

static gpg_error_t take_public(struct view *v, struct openpgp_secret_key *key)
{
    struct view skipped;
    uint8_t kdf_len;
    bool ok;

    switch (key->algorithm) {
    case OPENPGP_RSA:
        ok = take_mpi(v, &skipped) && take_mpi(v, &key->e);
        break;
    case OPENPGP_ECDH:
        ok = take_oid(v, &key->oid) && take_mpi(v, &skipped) && view_u8(v, &kdf_len) &&
             view_take(v, kdf_len, &skipped);
        break;
    case OPENPGP_ECDSA:
    case OPENPGP_EDDSA:
        ok = take_oid(v, &key->oid) && take_mpi(v, &skipped);
        break;
    case OPENPGP_X25519:
    case OPENPGP_X448:
    case OPENPGP_ED25519:
        ok = view_take(v, native_len(key->algorithm), &skipped);
        break;
    default:
        return gpg_error(GPG_ERR_PUBKEY_ALGO);
    }
    return ok ? 0 : gpg_error(GPG_ERR_BAD_DATA);
}

static bool take_secret(struct view *v, struct openpgp_secret_key *key)
{
    struct view skipped;

    switch (key->algorithm) {
    case OPENPGP_RSA:
        return take_mpi(v, &skipped) && take_mpi(v, &key->p) && take_mpi(v, &key->q) &&
               take_mpi(v, &skipped);
    case OPENPGP_X25519:
    case OPENPGP_X448:
    case OPENPGP_ED25519:
        return view_take(v, native_len(key->algorithm), &key->d);
    default:
        return take_mpi(v, &key->d);
    }
}

static gpg_error_t check_usage(struct view v, uint8_t usage)
{
    uint8_t cipher, specifier;

    if (usage == USAGE_PLAIN)
        return 0;
    if ((usage == USAGE_SHA1 || usage == USAGE_CHECKSUM) && view_u8(&v, &cipher) &&
        view_u8(&v, &specifier) && specifier == S2K_GNU)
        return gpg_error(GPG_ERR_NO_SECKEY);
    return gpg_error(GPG_ERR_BAD_PASSPHRASE);
}

/* The sum of the octets of the secret part follows it. */
static bool checksum_is_right(struct view secret, struct view rest)
{
    uint16_t sum = 0, given;

    for (size_t i = 0; i < secret.len; i++)
        sum = (uint16_t)(sum + secret.data[i]);
    return view_u16(&rest, &given) && rest.len == 0 && given == sum;
}

/* RFC 4880 §12.2 */
static gpg_error_t fingerprint(struct view public_part, uint8_t out[OPENPGP_FINGERPRINT_LEN])
{
    const uint8_t head[] = { 0x99, (uint8_t)(public_part.len >> 8), (uint8_t)public_part.len };
    gcry_md_hd_t md;
    gpg_error_t err;

    err = gcry_md_open(&md, GCRY_MD_SHA1, 0);
    if (err)
        return err;
    gcry_md_write(md, head, sizeof head);
    gcry_md_write(md, public_part.data, public_part.len);
    memcpy(out, gcry_md_read(md, GCRY_MD_SHA1), OPENPGP_FINGERPRINT_LEN);
    gcry_md_close(md);
    return 0;
}

gpg_error_t openpgp_secret_key_parse(struct view body, struct openpgp_secret_key *key)
{
    struct openpgp_secret_key k = { 0 };
    struct view rest = body, secret;
    uint8_t version, algorithm, usage;
    gpg_error_t err;

    if (!view_u8(&rest, &version) || !view_u32(&rest, &k.created) || !view_u8(&rest, &algorithm))
        return gpg_error(GPG_ERR_BAD_DATA);
    if (version != KEY_VERSION)
        return gpg_error(GPG_ERR_UNKNOWN_VERSION);
    k.algorithm = (enum openpgp_algorithm)algorithm;
    err = take_public(&rest, &k);
    if (err)
        return err;
    err = fingerprint(view_of(body.data, body.len - rest.len), k.fingerprint);
    if (err)
        return err;
    if (!view_u8(&rest, &usage))
        return gpg_error(GPG_ERR_BAD_DATA);
    err = check_usage(rest, usage);
    if (err)
        return err;
    secret = rest;
    if (!take_secret(&rest, &k))
        return gpg_error(GPG_ERR_BAD_DATA);
    secret.len -= rest.len;
    if (!checksum_is_right(secret, rest))
        return gpg_error(GPG_ERR_BAD_DATA);
    *key = k;
    return 0;
}

#define SUBPACKET_KEY_FLAGS 27

static bool find_flags(struct view subpackets, uint8_t *flags)
{
    struct view body;
    uint8_t first, type;
    size_t len;

    while (view_u8(&subpackets, &first)) {
        /* Lengths are those of packets, but 224 to 254 go on where packets have partial ones. */
        if (first >= 224 && first < 255) {
            uint8_t second;

            if (!view_u8(&subpackets, &second))
                return false;
            len = ((size_t)(first - 192) << 8) + second + 192;
        } else if (!take_length(&subpackets, first, &len)) {
            return false;
        }
        if (!view_take(&subpackets, len, &body) || !view_u8(&body, &type))
            return false;
        if ((type & 0x7F) == SUBPACKET_KEY_FLAGS)
            return view_u8(&body, flags);
    }
    return false;
}

bool openpgp_key_flags(struct view signature, uint8_t *type, uint8_t *flags)
{
    uint8_t version, algorithm, hash;
    struct view hashed;
    uint16_t len;

    return view_u8(&signature, &version) && version == 4 && view_u8(&signature, type) &&
           view_u8(&signature, &algorithm) && view_u8(&signature, &hash) &&
           view_u16(&signature, &len) && view_take(&signature, len, &hashed) &&
           find_flags(hashed, flags);
}
