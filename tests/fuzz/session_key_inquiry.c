/* What a client answers to INQUIRE PKESK, and to INQUIRE CERTIFICATE, for tokens that never change:
 * the first octet chooses the token and how much of the rest is the certificate. */
#include "agent/recipients.h"

#include "apdu/point.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The base point of Curve25519 stands for a key. */
static void make_curve_facts(struct card_facts *facts)
{
    static const uint8_t oid[] = { 0x2b, 0x06, 0x01, 0x04, 0x01, 0x97, 0x55, 0x01, 0x05, 0x01 };
    struct public_key *key = &facts->key[SLOT_DECRYPT].key;

    key->algorithm.kind = KEY_ECDH;
    key->algorithm.curve = curve_by_oid(view_of(oid, sizeof oid));
    if (!key->algorithm.curve)
        abort();
    key->q.len = 32;
    key->q.bytes[0] = 9;
}

static void make_rsa_facts(struct card_facts *facts)
{
    struct public_key *key = &facts->key[SLOT_DECRYPT].key;

    key->algorithm.kind = KEY_RSA;
    key->n.len = 256;
    memset(key->n.bytes, 0xc1, 256);
}

static void try_recipient(const struct pkesk *p, const struct card_facts *facts,
                          struct view certificate)
{
    const struct public_key *key = &facts->key[SLOT_DECRYPT].key;
    uint8_t ciphertext[PKESK_RSA_OCTETS_MAX];
    struct session_key session_key = { 0 };
    struct secret plain = { 0 };

    if (recipient_fit(p, facts, certificate) == FIT_NONE)
        return;
    if (!p->on_token)
        abort();
    (void)recipient_ciphertext(p, key->algorithm.curve, ciphertext);
    if (secret_new(&plain, 32))
        abort();
    plain.data[0] = 1;
    if (!recipient_session_key(p, facts, certificate, &plain, &session_key) && !session_key.key.len)
        abort();
    session_key_free(&session_key);
    secret_free(&plain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct card_facts facts;
    struct recipients recipients = { 0 };
    struct view all = view_of(data, size);
    struct view certificate;
    uint8_t choice;

    if (secret_init_library())
        abort();
    if (!view_u8(&all, &choice))
        return 0;
    memset(&facts, 0, sizeof facts);
    facts.read = true;
    facts.key[SLOT_DECRYPT].state = SLOT_READ;
    if (choice & 1)
        make_rsa_facts(&facts);
    else
        make_curve_facts(&facts);
    if (!view_take(&all, all.len * (choice >> 1) / 256, &certificate))
        abort();
    if (recipients_parse(all, &recipients)) {
        if (recipients.pkesk)
            abort(); /* untouched on failure */
        return 0;
    }
    if (!recipients.count || recipients.count > RECIPIENTS_MAX)
        abort();
    for (size_t i = 0; i < recipients.count; i++)
        try_recipient(&recipients.pkesk[i], &facts, certificate);
    recipients_free(&recipients);
    return 0;
}
