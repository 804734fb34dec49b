/* OpenPGP secret keys into the slots. Signatures are not verified: whoever gives the file decides.
 */
#include "tests/token/card.h"
#include "tests/token/openpgp_key.h"

#include <string.h>

#define KEYS_MAX 32
#define FILE_MAX (256 * 1024)

enum packet { PACKET_SIGNATURE = 2, PACKET_SECRET_KEY = 5, PACKET_SECRET_SUBKEY = 7 };

/* Signature types that speak for a key: certifications and direct, or a subkey's binding. */
#define CERTIFICATION_FIRST 0x10
#define CERTIFICATION_LAST  0x13
#define DIRECT_KEY          0x1F
#define SUBKEY_BINDING      0x18

struct candidate {
    struct openpgp_secret_key key;
    gpg_error_t err; /* why it can't be used */
    bool flags_known;
    uint8_t flags;
};

struct candidates {
    struct candidate list[KEYS_MAX];
    size_t count;
};

static bool speaks_for_key(uint8_t type)
{
    return (type >= CERTIFICATION_FIRST && type <= CERTIFICATION_LAST) || type == DIRECT_KEY ||
           type == SUBKEY_BINDING;
}

static void take_flags(struct candidates *all, struct view signature)
{
    struct candidate *last;
    uint8_t type, flags;

    if (all->count == 0 || !openpgp_key_flags(signature, &type, &flags) || !speaks_for_key(type))
        return;
    last = &all->list[all->count - 1];
    last->flags_known = true;
    last->flags = flags;
}

/* A damaged key spoils the file; one that can't be used is passed over. */
static gpg_error_t add_key(struct candidates *all, struct view body)
{
    struct candidate *c;

    if (all->count == KEYS_MAX)
        return gpg_error(GPG_ERR_TOO_LARGE);
    c = &all->list[all->count++];
    *c = (struct candidate){ 0 };
    c->err = openpgp_secret_key_parse(body, &c->key);
    return gpg_err_code(c->err) == GPG_ERR_BAD_DATA ? c->err : 0;
}

static gpg_error_t read_packets(struct view packets, struct candidates *all)
{
    struct view body;
    unsigned int tag;
    gpg_error_t err;

    while (openpgp_packet_take(&packets, &tag, &body)) {
        if (tag == PACKET_SIGNATURE)
            take_flags(all, body);
        if (tag != PACKET_SECRET_KEY && tag != PACKET_SECRET_SUBKEY)
            continue;
        err = add_key(all, body);
        if (err)
            return err;
    }
    return packets.len || all->count == 0 ? gpg_error(GPG_ERR_BAD_DATA) : 0;
}

static uint8_t flags_of(const struct candidate *c)
{
    if (c->flags_known)
        return c->flags;
    switch (c->key.algorithm) {
    case OPENPGP_RSA:
        return OPENPGP_MAY_SIGN | OPENPGP_MAY_ENCRYPT;
    case OPENPGP_ECDH:
    case OPENPGP_X25519:
    case OPENPGP_X448:
        return OPENPGP_MAY_ENCRYPT;
    default:
        return OPENPGP_MAY_SIGN;
    }
}

static bool fits_slot(const struct candidate *c, enum slot slot)
{
    static const uint8_t wanted[SLOT_COUNT] = { OPENPGP_MAY_SIGN, OPENPGP_MAY_ENCRYPT,
                                                OPENPGP_MAY_AUTHENTICATE };

    return flags_of(c) & wanted[slot];
}

/* The newest usable key for the slot; of two made in one second the later in the file. */
static const struct candidate *choose(const struct candidates *all, enum slot slot)
{
    const struct candidate *best = NULL;

    for (size_t i = 0; i < all->count; i++) {
        const struct candidate *c = &all->list[i];

        if (!c->err && fits_slot(c, slot) && (!best || c->key.created >= best->key.created))
            best = c;
    }
    return best;
}

static const struct curve *curve_of(const struct openpgp_secret_key *key)
{
    static const uint8_t x25519[] = { 0x2B, 0x06, 0x01, 0x04, 0x01, 0x97, 0x55, 0x01, 0x05, 0x01 };
    static const uint8_t ed25519[] = { 0x2B, 0x06, 0x01, 0x04, 0x01, 0xDA, 0x47, 0x0F, 0x01 };
    static const uint8_t x448[] = { 0x2B, 0x65, 0x6F };

    switch (key->algorithm) {
    case OPENPGP_X25519:
        return token_curve_by_oid(view_of(x25519, sizeof x25519));
    case OPENPGP_X448:
        return token_curve_by_oid(view_of(x448, sizeof x448));
    case OPENPGP_ED25519:
        return token_curve_by_oid(view_of(ed25519, sizeof ed25519));
    default:
        return token_curve_by_oid(key->oid);
    }
}

static enum algorithm_id card_algorithm(enum openpgp_algorithm algorithm)
{
    switch (algorithm) {
    case OPENPGP_ECDH:
    case OPENPGP_X25519:
    case OPENPGP_X448:
        return ALGORITHM_ECDH;
    case OPENPGP_ECDSA:
        return ALGORITHM_ECDSA;
    case OPENPGP_EDDSA:
    case OPENPGP_ED25519:
        return ALGORITHM_EDDSA;
    case OPENPGP_RSA:
        break;
    }
    return ALGORITHM_RSA;
}

/* The numbers as the card keeps them; d needs room for a coordinate. */
static gpg_error_t card_numbers(const struct openpgp_secret_key *key, struct buffer *d,
                                struct key_parts *parts)
{
    const struct curve *curve = curve_of(key);

    if (key->algorithm == OPENPGP_RSA) {
        *parts = (struct key_parts){ .e = key->e, .p = key->p, .q = key->q };
        return 0;
    }
    if (!curve)
        return gpg_error(GPG_ERR_UNKNOWN_CURVE);
    parts->d = key->d;
    /* Only the old form of Curve25519 keys is turned around. */
    if (key->algorithm == OPENPGP_X25519)
        return 0;
    if (token_secret_from_wire(curve, key->d, d))
        return gpg_error(GPG_ERR_BAD_DATA);
    parts->d = buffer_view(d);
    return 0;
}

static unsigned int rsa_bits(const struct openpgp_secret_key *key)
{
    size_t octets = key->p.len + key->q.len;

    return (unsigned int)octets * 8;
}

static gpg_error_t fill_slot(struct token *t, enum slot slot, const struct openpgp_secret_key *key)
{
    const struct token_profile *profile = t->options.profile;
    struct key *to = &t->card.keys[slot];
    struct buffer d = BUFFER(FIELD_MAX);
    uint8_t attributes[ATTRIBUTES_MAX];
    struct key_parts parts = { 0 };
    gpg_error_t err;
    size_t len;

    err = card_numbers(key, &d, &parts);
    if (err)
        goto leave;
    if (key->algorithm == OPENPGP_RSA)
        len = token_attributes_of_rsa(profile, rsa_bits(key), attributes);
    else
        len = token_attributes_of_curve(profile, card_algorithm(key->algorithm), curve_of(key),
                                        attributes);
    if (token_put_attributes(t, slot, view_of(attributes, len)) != SW_OK) {
        err = gpg_error(GPG_ERR_BAD_DATA);
        goto leave;
    }
    err = token_key_set(to, &parts, ORIGIN_IMPORTED);
    if (err)
        goto leave;
    memcpy(to->fingerprint, key->fingerprint, FINGERPRINT_LEN);
    for (size_t i = 0; i < sizeof to->created; i++)
        to->created[i] = (uint8_t)(key->created >> (24 - 8 * i));
    if (slot == SLOT_SIGN)
        t->card.signatures = 0;
leave:
    buffer_free(&d);
    return err;
}

/* Of several reasons why nothing could be used, protection is what a human can mend. */
static gpg_error_t why_none(const struct candidates *all)
{
    for (size_t i = 0; i < all->count; i++)
        if (gpg_err_code(all->list[i].err) == GPG_ERR_BAD_PASSPHRASE)
            return all->list[i].err;
    return gpg_error(GPG_ERR_NO_SECKEY);
}

static gpg_error_t fill_slots(struct token *t, const struct candidates *all)
{
    bool any = false;
    gpg_error_t err;

    for (unsigned int slot = 0; slot < SLOT_COUNT; slot++) {
        const struct candidate *c = choose(all, (enum slot)slot);

        if (!c)
            continue;
        err = fill_slot(t, (enum slot)slot, &c->key);
        if (err)
            return err;
        any = true;
    }
    return any ? 0 : why_none(all);
}

gpg_error_t token_import(struct token *token, struct view key)
{
    struct buffer packets = BUFFER(FILE_MAX);
    struct candidates all;
    gpg_error_t err;

    all.count = 0;
    err = openpgp_dearmor(key, &packets);
    if (!err)
        err = read_packets(buffer_view(&packets), &all);
    if (!err)
        err = fill_slots(token, &all);
    buffer_free(&packets);
    return err;
}
