#include "agent/card_attribute.h"
#include "agent/card_lines.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

/* None is sent for a slot without one. */
static gpg_error_t send_fingerprint(assuan_context_t assuan, const char *name, int slot,
                                    const uint8_t fingerprint[FINGERPRINT_LEN])
{
    static const uint8_t none[FINGERPRINT_LEN];
    char digits[2 * FINGERPRINT_LEN + 1], text[CARD_LINE_MAX];

    if (memcmp(fingerprint, none, FINGERPRINT_LEN) == 0)
        return 0;
    hex_encode(view_of(fingerprint, FINGERPRINT_LEN), digits);
    snprintf(text, sizeof text, "%d %s", slot + 1, digits);
    return assuan_write_status(assuan, name, text);
}

gpg_error_t attribute_fingerprints(assuan_context_t assuan, const struct card_listing *listing,
                                   const char *name)
{
    gpg_error_t err = 0;

    for (int i = 0; i < SLOTS && !err; i++)
        err = send_fingerprint(assuan, name, i, listing->facts.data.slot[i].fingerprint);
    return err;
}

gpg_error_t attribute_ca_fingerprints(assuan_context_t assuan, const struct card_listing *listing,
                                      const char *name)
{
    gpg_error_t err = 0;

    for (int i = 0; i < SLOTS && !err; i++)
        err = send_fingerprint(assuan, name, i, listing->facts.data.slot[i].ca_fingerprint);
    return err;
}

gpg_error_t attribute_times(assuan_context_t assuan, const struct card_listing *listing,
                            const char *name)
{
    gpg_error_t err = 0;

    for (int i = 0; i < SLOTS && !err; i++) {
        char text[CARD_LINE_MAX];

        if (!listing->facts.data.slot[i].created)
            continue;
        snprintf(text, sizeof text, "%d %u", i + 1, listing->facts.data.slot[i].created);
        err = assuan_write_status(assuan, name, text);
    }
    return err;
}

/* Public-key algorithm ids of RFC 9580 §9.1 as gpg expects them. */
static int algorithm_id(enum key_kind kind)
{
    switch (kind) {
    case KEY_RSA:
        return 1;
    case KEY_ECDH:
        return 18;
    case KEY_ECDSA:
        return 19;
    case KEY_EDDSA:
        return 22;
    default:
        return 0;
    }
}

/* Curves by the names of their standards, unlike in KEYPAIRINFO; import formats counted from 1. */
gpg_error_t attribute_algorithms(assuan_context_t assuan, const struct card_listing *listing,
                                 const char *name)
{
    gpg_error_t err = 0;

    for (int i = 0; i < SLOTS && !err; i++) {
        const struct key_algorithm *algorithm = &listing->facts.data.slot[i].algorithm;
        int id = algorithm_id(algorithm->kind);
        char text[CARD_LINE_MAX];

        if (!id)
            continue;
        if (algorithm->kind == KEY_RSA)
            snprintf(text, sizeof text, "%d %d rsa%u %u %u", i + 1, id, algorithm->rsa_bits,
                     algorithm->rsa_exponent_bits, algorithm->rsa_import_format + 1);
        else
            snprintf(text, sizeof text, "%d %d %s", i + 1, id, algorithm->curve->name);
        err = assuan_write_status(assuan, name, text);
    }
    return err;
}

gpg_error_t attribute_key_pairs(assuan_context_t assuan, const struct card_listing *listing,
                                const char *name)
{
    const struct card_facts *facts = &listing->facts;
    gpg_error_t err = 0;

    for (int i = 0; i < SLOTS && !err; i++) {
        const struct key_facts *key = &facts->key[i];
        char keygrip[2 * KEYGRIP_LEN + 1], algo[ALGORITHM_NAME_MAX], text[CARD_LINE_MAX];

        if (key->state != SLOT_READ)
            continue;
        hex_encode(view_of(key->key.keygrip, KEYGRIP_LEN), keygrip);
        snprintf(text, sizeof text, "%s OPENPGP.%d %s %u %s", keygrip, i + 1, card_line_usages[i],
                 facts->data.slot[i].created, algorithm_name(&facts->data.slot[i].algorithm, algo));
        err = assuan_write_status(assuan, name, text);
    }
    return err;
}

/* UIF-1, -2, -3: the data object, whose second octet says that it is about a button. */
gpg_error_t attribute_touch(assuan_context_t assuan, const struct card_listing *listing,
                            const char *name)
{
    const struct slot_data *slot = &listing->facts.data.slot[name[4] - '1'];
    const uint8_t value[2] = { (uint8_t)slot->touch, 0x20 };

    if (!listing->facts.data.button)
        return 0;
    return attribute_send(assuan, name, view_of(value, sizeof value));
}

gpg_error_t attribute_slot_key_id(assuan_context_t assuan, const struct card_listing *listing,
                                  const char *name)
{
    (void)listing;
    return attribute_send_text(assuan, name,
                               strcmp(name, "$SIGNKEYID") == 0   ? "OPENPGP.1"
                               : strcmp(name, "$ENCRKEYID") == 0 ? "OPENPGP.2"
                                                                 : "OPENPGP.3");
}
