#include "apdu/algorithm.h"

#include <stdio.h>

#define OID(bytes)                                                                                 \
    {                                                                                              \
        .data = (const uint8_t *)(bytes), .len = sizeof(bytes) - 1                                 \
    }

/* First octet of the attributes: the algorithm identifiers of RFC 9580 §9.1. */
#define ATTRIBUTE_RSA   0x01
#define ATTRIBUTE_ECDH  0x12
#define ATTRIBUTE_ECDSA 0x13
#define ATTRIBUTE_EDDSA 0x16

static const struct curve curves[] = {
    { .name = "NIST P-256",
      .gpg = "nistp256",
      .oid = OID("\x2a\x86\x48\xce\x3d\x03\x01\x07"),
      .field_octets = 32 },
    { .name = "NIST P-384",
      .gpg = "nistp384",
      .oid = OID("\x2b\x81\x04\x00\x22"),
      .field_octets = 48 },
    { .name = "NIST P-521",
      .gpg = "nistp521",
      .oid = OID("\x2b\x81\x04\x00\x23"),
      .field_octets = 66 },
    { .name = "brainpoolP256r1",
      .gpg = "brainpoolP256r1",
      .oid = OID("\x2b\x24\x03\x03\x02\x08\x01\x01\x07"),
      .field_octets = 32 },
    { .name = "brainpoolP384r1",
      .gpg = "brainpoolP384r1",
      .oid = OID("\x2b\x24\x03\x03\x02\x08\x01\x01\x0b"),
      .field_octets = 48 },
    { .name = "brainpoolP512r1",
      .gpg = "brainpoolP512r1",
      .oid = OID("\x2b\x24\x03\x03\x02\x08\x01\x01\x0d"),
      .field_octets = 64 },
    { .name = "secp256k1",
      .gpg = "secp256k1",
      .oid = OID("\x2b\x81\x04\x00\x0a"),
      .field_octets = 32 },
    { .name = "Curve25519",
      .gpg = "cv25519",
      .oid = OID("\x2b\x06\x01\x04\x01\x97\x55\x01\x05\x01"),
      .alias = OID("\x2b\x65\x6e"),
      .field_octets = 32,
      .montgomery = true },
    { .name = "X448",
      .gpg = "cv448",
      .oid = OID("\x2b\x65\x6f"),
      .field_octets = 56,
      .montgomery = true },
    { .name = "Ed25519",
      .gpg = "ed25519",
      .oid = OID("\x2b\x06\x01\x04\x01\xda\x47\x0f\x01"),
      .alias = OID("\x2b\x65\x70"),
      .field_octets = 32,
      .edwards = true },
    { .name = "Ed448",
      .gpg = "ed448",
      .oid = OID("\x2b\x65\x71"),
      .field_octets = 57,
      .edwards = true },
};

const struct curve *curve_by_oid(struct view oid)
{
    for (size_t i = 0; i < sizeof curves / sizeof *curves; i++) {
        if (view_equal(curves[i].oid, oid) || (oid.len && view_equal(curves[i].alias, oid)))
            return &curves[i];
    }
    return NULL;
}

static struct key_algorithm parse_rsa(struct view rest)
{
    struct key_algorithm unknown = { .kind = KEY_UNKNOWN };
    uint16_t bits, exponent_bits = 0;
    uint8_t format = 0;

    if (!view_u16(&rest, &bits) || bits < 1024 || bits > RSA_BITS_MAX || bits % 8 != 0)
        return unknown;
    if (view_u16(&rest, &exponent_bits))
        (void)view_u8(&rest, &format);
    return (struct key_algorithm){ .kind = KEY_RSA,
                                   .rsa_bits = bits,
                                   .rsa_exponent_bits = exponent_bits,
                                   .rsa_import_format = format };
}

static bool curve_does(const struct curve *curve, enum key_kind kind)
{
    switch (kind) {
    case KEY_ECDH:
        return !curve->edwards;
    case KEY_ECDSA:
        return !curve->edwards && !curve->montgomery;
    case KEY_EDDSA:
        return curve->edwards;
    default:
        return false;
    }
}

/* The OID may carry one more octet: FF "import with public key", 00, or what YubiKey 5.2 makes up.
 */
static struct key_algorithm parse_curve(enum key_kind kind, struct view oid)
{
    struct key_algorithm unknown = { .kind = KEY_UNKNOWN };
    const struct curve *curve = curve_by_oid(oid);

    if (!curve && oid.len > 1)
        curve = curve_by_oid(view_of(oid.data, oid.len - 1));
    if (!curve || !curve_does(curve, kind))
        return unknown;
    return (struct key_algorithm){ .kind = kind, .curve = curve };
}

struct key_algorithm algorithm_parse(struct view attributes)
{
    struct key_algorithm none = { .kind = KEY_NONE };
    struct key_algorithm unknown = { .kind = KEY_UNKNOWN };
    uint8_t id;

    if (!view_u8(&attributes, &id))
        return none;
    switch (id) {
    case ATTRIBUTE_RSA:
        return parse_rsa(attributes);
    case ATTRIBUTE_ECDH:
        return parse_curve(KEY_ECDH, attributes);
    case ATTRIBUTE_ECDSA:
        return parse_curve(KEY_ECDSA, attributes);
    case ATTRIBUTE_EDDSA:
        return parse_curve(KEY_EDDSA, attributes);
    default:
        return unknown;
    }
}

static gpg_error_t write_rsa(const struct key_algorithm *algorithm, struct buffer *attributes)
{
    gpg_error_t err = buffer_append_u8(attributes, ATTRIBUTE_RSA);

    if (!err)
        err = buffer_append_u16(attributes, (uint16_t)algorithm->rsa_bits);
    if (!err)
        err = buffer_append_u16(attributes, (uint16_t)algorithm->rsa_exponent_bits);
    if (!err)
        err = buffer_append_u8(attributes, (uint8_t)algorithm->rsa_import_format);
    return err;
}

gpg_error_t algorithm_write(const struct key_algorithm *algorithm, struct buffer *attributes)
{
    static const uint8_t ids[] = {
        [KEY_ECDH] = ATTRIBUTE_ECDH, [KEY_ECDSA] = ATTRIBUTE_ECDSA, [KEY_EDDSA] = ATTRIBUTE_EDDSA
    };
    gpg_error_t err;

    if (algorithm->kind == KEY_RSA)
        return write_rsa(algorithm, attributes);
    if (!algorithm->curve)
        return 0;
    err = buffer_append_u8(attributes, ids[algorithm->kind]);
    return err ? err : buffer_append_view(attributes, algorithm->curve->oid);
}

char *algorithm_name(const struct key_algorithm *algorithm, char *out)
{
    if (algorithm->kind == KEY_RSA)
        snprintf(out, ALGORITHM_NAME_MAX, "rsa%u", algorithm->rsa_bits);
    else
        snprintf(out, ALGORITHM_NAME_MAX, "%s",
                 algorithm->curve ? algorithm->curve->gpg : "unknown");
    return out;
}

size_t curve_point_octets(const struct curve *curve)
{
    return curve->montgomery || curve->edwards ? curve->field_octets : 1 + 2 * curve->field_octets;
}
