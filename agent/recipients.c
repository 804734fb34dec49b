#include "agent/recipients.h"

#include "apdu/point.h"
#include "message/ecdh_parameters.h"
#include "message/packet.h"

#include <gcrypt.h>
#include <stdlib.h>
#include <string.h>

#define NATIVE_POINT_PREFIX 0x40 /* how OpenPGP marks a bare coordinate (RFC 9580 §11.2.2) */

static gpg_error_t add(struct recipients *recipients, struct packet *packet)
{
    struct buffer body = BUFFER(PKESK_OCTETS_MAX);
    gpg_error_t err = packet_read(packet, &body);

    if (!err && recipients->count == RECIPIENTS_MAX)
        err = gpg_error(GPG_ERR_TOO_LARGE);
    if (!err)
        err = pkesk_parse(buffer_view(&body), &recipients->pkesk[recipients->count]);
    if (!err)
        recipients->count++;
    buffer_free(&body);
    /* A version of tomorrow is for somebody else's key. */
    return gpg_err_code(err) == GPG_ERR_UNKNOWN_VERSION ? 0 : err;
}

gpg_error_t recipients_parse(struct view packets, struct recipients *r_recipients)
{
    struct input in = INPUT(source_of_view(&packets));
    struct recipients recipients = { .pkesk = calloc(RECIPIENTS_MAX, sizeof *recipients.pkesk) };
    struct packet packet;
    gpg_error_t err;

    if (!recipients.pkesk)
        return gpg_error(GPG_ERR_ENOMEM);
    while (!(err = packet_next(&in, &packet))) {
        err = packet.tag == PACKET_PKESK ? add(&recipients, &packet) : packet_skip(&packet);
        if (err)
            break;
    }
    if (gpg_err_code(err) == GPG_ERR_EOF)
        err = recipients.count ? 0 : gpg_error(GPG_ERR_NO_DATA);
    if (err)
        recipients_free(&recipients);
    else
        *r_recipients = recipients;
    return err;
}

void recipients_free(struct recipients *recipients)
{
    free(recipients->pkesk);
    *recipients = (struct recipients){ 0 };
}

/* An RSA cryptogram is a number below the modulus, and almost always as long. */
static bool fits_rsa(const struct pkesk *p, const struct public_key *key)
{
    if (p->algorithm != ALGORITHM_RSA && p->algorithm != ALGORITHM_RSA_ENCRYPT_ONLY)
        return false;
    if (key->algorithm.kind != KEY_RSA || p->encrypted_len > key->n.len)
        return false;
    return p->encrypted_len < key->n.len ? key->n.len - p->encrypted_len <= 4
                                         : memcmp(p->encrypted, key->n.bytes, key->n.len) < 0;
}

static bool fits_curve(const struct pkesk *p, const struct public_key *key)
{
    const struct curve *curve = key->algorithm.curve;
    uint8_t point[PKESK_RSA_OCTETS_MAX];

    if (key->algorithm.kind != KEY_ECDH)
        return false;
    if (p->algorithm == ALGORITHM_X25519 || p->algorithm == ALGORITHM_X448)
        return curve->montgomery && p->encrypted_len == curve->field_octets;
    if (p->algorithm != ALGORITHM_ECDH)
        return false;
    /* Points of the same length are told apart by the curve they lie on. */
    return point_check(curve, recipient_ciphertext(p, curve, point)) == 0;
}

/* Whether it names the X25519 or X448 key of version 6 (RFC 9580 §5.5.4.3) that has the card's
 * point and creation time. */
static bool names_v6_key(const struct pkesk *p, const struct card_facts *facts)
{
    const struct public_key *key = &facts->key[SLOT_DECRYPT].key;
    struct buffer packet = BUFFER(256);
    uint8_t digest[FINGERPRINT_OCTETS_V6];
    uint32_t body = 10 + (uint32_t)key->q.len;
    gpg_error_t err;

    err = buffer_append_u8(&packet, 0x9b);
    if (!err)
        err = buffer_append_u32(&packet, body);
    if (!err)
        err = buffer_append_u8(&packet, 6);
    if (!err)
        err = buffer_append_u32(&packet, facts->data.slot[SLOT_DECRYPT].created);
    if (!err)
        err = buffer_append_u8(&packet, p->algorithm);
    if (!err)
        err = buffer_append_u32(&packet, (uint32_t)key->q.len);
    if (!err)
        err = buffer_append(&packet, key->q.bytes, key->q.len);
    if (!err)
        gcry_md_hash_buffer(GCRY_MD_SHA256, digest, packet.data, packet.len);
    buffer_free(&packet);
    return !err && pkesk_names(p, view_of(digest, sizeof digest));
}

static bool is_ecdh_of_card(const struct certificate_key *key, const struct public_key *card)
{
    struct view point = key->point;

    if (card->algorithm.kind != KEY_ECDH)
        return false;
    if (key->algorithm == ALGORITHM_ECDH && !view_equal(key->oid, card->algorithm.curve->oid))
        return false;
    if (key->algorithm == ALGORITHM_ECDH && card->algorithm.curve->montgomery && point.len &&
        point.data[0] == NATIVE_POINT_PREFIX)
        point = view_of(point.data + 1, point.len - 1);
    return point.len && view_equal(point, view_of(card->q.bytes, card->q.len));
}

static bool is_key_of_card(const struct certificate_key *key, const struct public_key *card)
{
    if (key->modulus.len)
        return card->algorithm.kind == KEY_RSA &&
               view_equal(key->modulus, view_of(card->n.bytes, card->n.len));
    return is_ecdh_of_card(key, card);
}

/* The card's key in the certificate *c, as a key of the PKESK's algorithm; the one that the PKESK
 * names, unless it names none. GPG_ERR_EOF when there is none. */
static gpg_error_t find_in_certificate(struct certificate *c, const struct pkesk *p,
                                       const struct public_key *card, struct certificate_key *key)
{
    gpg_error_t err;

    while (!(err = certificate_next_key(c, key))) {
        bool named =
            pkesk_is_hidden(p) || pkesk_names(p, view_of(key->fingerprint, key->fingerprint_len));

        if (named && key->algorithm == p->algorithm && is_key_of_card(key, card))
            break;
    }
    return err;
}

static bool certificate_names(struct view certificate, const struct pkesk *p,
                              const struct public_key *card)
{
    struct certificate c = CERTIFICATE(source_of_view(&certificate));
    struct certificate_key key;
    gpg_error_t err = find_in_certificate(&c, p, card, &key);

    certificate_close(&c);
    return !err;
}

static enum fit fits_name(const struct pkesk *p, const struct card_facts *facts,
                          struct view certificate)
{
    const uint8_t *fingerprint = facts->data.slot[SLOT_DECRYPT].fingerprint;

    if (pkesk_is_hidden(p))
        return FIT_POSSIBLE;
    if (pkesk_names(p, view_of(fingerprint, FINGERPRINT_LEN)))
        return FIT_NAMED;
    if ((p->algorithm == ALGORITHM_X25519 || p->algorithm == ALGORITHM_X448) &&
        names_v6_key(p, facts))
        return FIT_NAMED;
    return certificate_names(certificate, p, &facts->key[SLOT_DECRYPT].key) ? FIT_NAMED : FIT_NONE;
}

enum fit recipient_fit(const struct pkesk *p, const struct card_facts *facts,
                       struct view certificate)
{
    const struct key_facts *slot = &facts->key[SLOT_DECRYPT];

    if (!p->on_token || slot->state != SLOT_READ)
        return FIT_NONE;
    if (!fits_rsa(p, &slot->key) && !fits_curve(p, &slot->key))
        return FIT_NONE;
    return fits_name(p, facts, certificate);
}

struct view recipient_ciphertext(const struct pkesk *p, const struct curve *curve, uint8_t *out)
{
    struct view v = view_of(p->encrypted, p->encrypted_len);

    if (p->algorithm == ALGORITHM_ECDH && curve && curve->montgomery &&
        v.len == curve->field_octets + 1 && v.data[0] == NATIVE_POINT_PREFIX)
        v = view_of(v.data + 1, v.len - 1);
    memcpy(out, v.data, v.len);
    return view_of(out, v.len);
}

/* What an ECDH key derives with, from the card alone. */
static gpg_error_t recipient_of_card(const struct card_facts *facts, struct recipient *recipient)
{
    const struct slot_data *slot = &facts->data.slot[SLOT_DECRYPT];
    const struct public_key *key = &facts->key[SLOT_DECRYPT].key;
    struct view point = view_of(key->q.bytes, key->q.len);
    struct ecdh_parameters parameters;
    gpg_error_t err = ecdh_parameters_find(slot->created, key->algorithm.curve->oid, point,
                                           slot->fingerprint, &parameters);

    if (!err)
        *recipient = (struct recipient){ .version = 4,
                                         .fingerprint = view_of(slot->fingerprint, FINGERPRINT_LEN),
                                         .oid = key->algorithm.curve->oid,
                                         .point = point,
                                         .kdf_hash = parameters.hash,
                                         .kdf_cipher = parameters.cipher };
    return err;
}

gpg_error_t recipient_session_key(const struct pkesk *p, const struct card_facts *facts,
                                  struct view certificate, const struct secret *plain,
                                  struct session_key *key)
{
    const struct public_key *card = &facts->key[SLOT_DECRYPT].key;
    struct certificate c = CERTIFICATE(source_of_view(&certificate));
    struct recipient recipient = { .point = view_of(card->q.bytes, card->q.len) };
    struct certificate_key found;
    gpg_error_t err = 0;

    if (p->algorithm == ALGORITHM_ECDH) {
        if (!find_in_certificate(&c, p, card, &found))
            recipient = certificate_recipient(&found);
        else
            err = recipient_of_card(facts, &recipient);
    }
    if (!err)
        err = session_key_open(p, &recipient, plain, key);
    certificate_close(&c);
    return err;
}
