#include "message/pkesk.h"
#include "message/mpi.h"

#include <string.h>

#define X25519_OCTETS 32
#define X448_OCTETS   56

static gpg_error_t invalid(void)
{
    return gpg_error(GPG_ERR_INV_PACKET);
}

static gpg_error_t parse_recipient_v3(struct view *body, struct pkesk *p)
{
    struct view id;

    if (!view_take(body, KEY_ID_OCTETS, &id))
        return invalid();
    memcpy(p->key_id, id.data, id.len);
    return 0;
}

/* RFC 9580 §5.1.2: octets that follow, key version, fingerprint; none of them for a hidden one. */
static gpg_error_t parse_recipient_v6(struct view *body, struct pkesk *p)
{
    struct view field;
    uint8_t len, version;

    if (!view_u8(body, &len) || !view_take(body, len, &field))
        return invalid();
    if (!len)
        return 0;
    if (!view_u8(&field, &version) ||
        field.len != (version == 4 ? FINGERPRINT_OCTETS_V4 : FINGERPRINT_OCTETS_V6))
        return invalid();
    memcpy(p->fingerprint, field.data, field.len);
    p->fingerprint_len = field.len;
    return 0;
}

static gpg_error_t parse_rsa(struct view body, struct pkesk *p)
{
    struct view number;

    if (!mpi_take(&body, &number) || body.len)
        return invalid();
    number = view_strip_zeros(number);
    if (!number.len)
        return invalid();
    p->on_token = number.len <= sizeof p->encrypted;
    if (!p->on_token)
        return 0;
    memcpy(p->encrypted, number.data, number.len);
    p->encrypted_len = number.len;
    return 0;
}

/* One octet of length, then the wrapped key: RFC 9580 §5.1.5, §5.1.6, §5.1.7. */
static gpg_error_t parse_wrapped(struct view body, bool cipher_in_clear, struct pkesk *p)
{
    uint8_t len;

    if (!view_u8(&body, &len) || len != body.len)
        return invalid();
    if (cipher_in_clear && !view_u8(&body, &p->cipher))
        return invalid();
    if (body.len < WRAPPED_KEY_MIN || body.len > WRAPPED_KEY_MAX || body.len % 8)
        return invalid();
    memcpy(p->wrapped, body.data, body.len);
    p->wrapped_len = body.len;
    p->on_token = true;
    return 0;
}

static gpg_error_t parse_ecdh(struct view body, struct pkesk *p)
{
    struct view point;

    if (!mpi_take(&body, &point) || !point.len || point.len > PKESK_POINT_OCTETS_MAX)
        return invalid();
    memcpy(p->encrypted, point.data, point.len);
    p->encrypted_len = point.len;
    return parse_wrapped(body, false, p);
}

static gpg_error_t parse_montgomery(struct view body, size_t octets, struct pkesk *p)
{
    struct view coordinate;

    if (!view_take(&body, octets, &coordinate))
        return invalid();
    memcpy(p->encrypted, coordinate.data, octets);
    p->encrypted_len = octets;
    return parse_wrapped(body, p->version == 3, p);
}

static gpg_error_t parse_encrypted(struct view body, struct pkesk *p)
{
    switch (p->algorithm) {
    case ALGORITHM_RSA:
    case ALGORITHM_RSA_ENCRYPT_ONLY:
        return parse_rsa(body, p);
    case ALGORITHM_ECDH:
        return parse_ecdh(body, p);
    case ALGORITHM_X25519:
        return parse_montgomery(body, X25519_OCTETS, p);
    case ALGORITHM_X448:
        return parse_montgomery(body, X448_OCTETS, p);
    default:
        return 0;
    }
}

gpg_error_t pkesk_parse(struct view body, struct pkesk *p)
{
    struct pkesk read = { 0 };
    gpg_error_t err;

    if (!view_u8(&body, &read.version))
        return invalid();
    if (read.version == 3)
        err = parse_recipient_v3(&body, &read);
    else if (read.version == 6)
        err = parse_recipient_v6(&body, &read);
    else
        err = gpg_error(GPG_ERR_UNKNOWN_VERSION);
    if (!err && !view_u8(&body, &read.algorithm))
        err = invalid();
    if (!err)
        err = parse_encrypted(body, &read);
    if (!err)
        *p = read;
    return err;
}

bool pkesk_is_hidden(const struct pkesk *p)
{
    static const uint8_t zeros[KEY_ID_OCTETS];

    if (p->version == 6)
        return !p->fingerprint_len;
    return !memcmp(p->key_id, zeros, sizeof zeros);
}

bool pkesk_names(const struct pkesk *p, struct view fingerprint)
{
    size_t start;

    if (p->version == 6)
        return p->fingerprint_len &&
               view_equal(view_of(p->fingerprint, p->fingerprint_len), fingerprint);
    if (fingerprint.len != FINGERPRINT_OCTETS_V4 && fingerprint.len != FINGERPRINT_OCTETS_V6)
        return false;
    /* RFC 9580 §5.5.4: the key ID ends a version 4 fingerprint and begins a later one. */
    start = fingerprint.len == FINGERPRINT_OCTETS_V4 ? FINGERPRINT_OCTETS_V4 - KEY_ID_OCTETS : 0;
    return !memcmp(p->key_id, fingerprint.data + start, KEY_ID_OCTETS);
}

const char *public_key_algorithm_name(uint8_t algorithm)
{
    static const struct {
        uint8_t id;
        const char *name;
    } names[] = {
        { ALGORITHM_RSA, "RSA" },
        { ALGORITHM_RSA_ENCRYPT_ONLY, "RSA" },
        { 8, "Kyber" }, /* LibrePGP */
        { 16, "Elgamal" },
        { 17, "DSA" },
        { ALGORITHM_ECDH, "ECDH" },
        { 19, "ECDSA" },
        { 22, "EdDSA" },
        { ALGORITHM_X25519, "X25519" },
        { ALGORITHM_X448, "X448" },
        { 27, "Ed25519" },
        { 28, "Ed448" },
        { 35, "ML-KEM-768 with X25519" },
        { 36, "ML-KEM-1024 with X448" },
    };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (names[i].id == algorithm)
            return names[i].name;
    }
    return "unknown";
}
