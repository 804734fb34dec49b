#include "agent/known_token.h"

#include "message/ecdh_parameters.h"

#include <gcrypt.h>
#include <string.h>

#define BODY_MAX (2 * RSA_OCTETS_MAX)

/* What the card has told stands, that it has no holder, too. */
static void recall_holder(const struct card_facts *from, struct card_facts *to)
{
    if (!to->holder_told)
        memcpy(to->holder, from->holder, sizeof to->holder);
}

void known_token_from_facts(const struct card_facts *facts, struct known_token *token)
{
    *token = (struct known_token){ .facts.read = true };
    (void)aid_parse(view_of(facts->data.aid, AID_LEN), &token->facts.data);
    recall_holder(facts, &token->facts);
    token->facts.holder_told = facts->holder_told;
    for (int i = 0; i < SLOTS; i++) {
        const struct slot_data *from = &facts->data.slot[i];
        struct slot_data *to = &token->facts.data.slot[i];

        token->facts.key[i].state = SLOT_EMPTY;
        if (!from->present)
            continue;
        *to = *from;
        memset(to->ca_fingerprint, 0, sizeof to->ca_fingerprint);
        token->facts.key[i].state = SLOT_UNREAD;
        if (facts->key[i].state != SLOT_READ)
            continue;
        token->facts.key[i] = facts->key[i];
        token->facts.key[i].source = KEY_FROM_MEMORY;
    }
}

bool known_token_has_keys(const struct known_token *token)
{
    for (int i = 0; i < SLOTS; i++) {
        if (token->facts.data.slot[i].present)
            return true;
    }
    return false;
}

bool known_token_find(const struct known_token *token, const uint8_t *keygrip, enum slot *slot)
{
    for (int i = 0; i < SLOTS; i++) {
        if (token->facts.key[i].state == SLOT_READ &&
            memcmp(token->facts.key[i].key.keygrip, keygrip, KEYGRIP_LEN) == 0) {
            *slot = (enum slot)i;
            return true;
        }
    }
    return false;
}

static bool same_algorithm(const struct key_algorithm *a, const struct key_algorithm *b)
{
    return a->kind == b->kind && a->rsa_bits == b->rsa_bits && a->curve == b->curve;
}

/* The card says of this slot what it said when its key was read. */
static bool same_label(const struct slot_data *a, const struct slot_data *b)
{
    static const uint8_t none[FINGERPRINT_LEN];

    return memcmp(a->fingerprint, none, FINGERPRINT_LEN) != 0 &&
           memcmp(a->fingerprint, b->fingerprint, FINGERPRINT_LEN) == 0 &&
           a->created == b->created && same_algorithm(&a->algorithm, &b->algorithm);
}

static gpg_error_t append_number(struct buffer *body, const uint8_t *octets, size_t len)
{
    unsigned bits = (unsigned)len * 8;
    gpg_error_t err;

    for (uint8_t bit = 0x80; bit && !(octets[0] & bit); bit >>= 1)
        bits--;
    err = buffer_append_u16(body, (uint16_t)bits);
    return err ? err : buffer_append(body, octets, len);
}

/* RFC 9580 §5.5.4.2 */
static gpg_error_t rsa_fingerprint(const struct public_key *key, uint32_t created,
                                   uint8_t fingerprint[FINGERPRINT_LEN])
{
    struct buffer body = BUFFER(BODY_MAX);
    gpg_error_t err = buffer_append(&body, "\x99\0\0\x04", 4);

    if (!err)
        err = buffer_append_u32(&body, created);
    if (!err)
        err = buffer_append_u8(&body, ALGORITHM_RSA);
    if (!err)
        err = append_number(&body, key->n.bytes, key->n.len);
    if (!err)
        err = append_number(&body, key->e.bytes, key->e.len);
    if (!err) {
        body.data[1] = (uint8_t)((body.len - 3) >> 8);
        body.data[2] = (uint8_t)(body.len - 3);
        gcry_md_hash_buffer(GCRY_MD_SHA1, fingerprint, body.data, body.len);
    }
    buffer_free(&body);
    return err;
}

static bool is_fingerprint_of(const struct slot_data *slot, const struct public_key *key)
{
    struct ecdh_parameters parameters;
    uint8_t digest[FINGERPRINT_LEN];

    switch (key->algorithm.kind) {
    case KEY_RSA:
        return !rsa_fingerprint(key, slot->created, digest) &&
               memcmp(digest, slot->fingerprint, FINGERPRINT_LEN) == 0;
    case KEY_ECDH:
        return !ecdh_parameters_find(slot->created, key->algorithm.curve->oid,
                                     view_of(key->q.bytes, key->q.len), slot->fingerprint,
                                     &parameters);
    default:
        return false;
    }
}

void known_token_recall_keys(const struct known_token *token, struct card_facts *facts)
{
    for (int i = 0; i < SLOTS; i++) {
        const struct slot_data *slot = &facts->data.slot[i];
        const struct key_facts *known = &token->facts.key[i];

        if (facts->key[i].state == SLOT_UNREAD && known->state == SLOT_READ &&
            same_label(slot, &token->facts.data.slot[i]) && is_fingerprint_of(slot, &known->key))
            facts->key[i] = *known;
    }
}

void known_token_recall(const struct known_token *token, struct card_facts *facts)
{
    if (memcmp(token->facts.data.aid, facts->data.aid, AID_LEN) != 0)
        return;
    recall_holder(&token->facts, facts);
    known_token_recall_keys(token, facts);
}

void known_token_inherit(struct known_token *token, const struct known_token *before)
{
    for (int i = 0; i < SLOTS; i++) {
        if (token->facts.key[i].state == SLOT_UNREAD &&
            same_label(&token->facts.data.slot[i], &before->facts.data.slot[i]))
            token->facts.key[i] = before->facts.key[i];
    }
    recall_holder(&before->facts, &token->facts);
}
