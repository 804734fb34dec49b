#include "agent/card_lines.h"

#include "agent/line.h"
#include "agent/session.h"
#include "apdu/tlv.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

/* Octets of a data object that a line carries; longer ones are cut. */
#define OBJECT_SHOWN_MAX 254

#define TAG_CARDHOLDER        0x65
#define TAG_NAME              0x5b
#define TAG_LANGUAGE          0x5f2d
#define TAG_SEX               0x5f35
#define TAG_SECURITY_SUPPORT  0x7a
#define TAG_SIGNATURE_COUNTER 0x93
#define TAG_KDF               0xf9

static const char *const usages[SLOTS] = { "sc", "e", "sa" };

static char *serial(const struct card_facts *facts, char out[2 * AID_LEN + 1])
{
    return hex_encode(view_of(facts->data.aid, AID_LEN), out);
}

static char *grip(const struct card_facts *facts, enum slot slot, char out[2 * KEYGRIP_LEN + 1])
{
    return hex_encode(view_of(facts->key[slot].key.keygrip, KEYGRIP_LEN), out);
}

void card_line_agent_keyinfo(const struct card_facts *facts, enum slot slot, char *text)
{
    char aid[2 * AID_LEN + 1], keygrip[2 * KEYGRIP_LEN + 1];

    snprintf(text, CARD_LINE_MAX, "%s T %s OPENPGP.%d - - - - %c", grip(facts, slot, keygrip),
             serial(facts, aid), (int)slot + 1, *facts->reader ? 'A' : '-');
}

void card_line_scd_keyinfo(const struct card_facts *facts, enum slot slot, char *text)
{
    char aid[2 * AID_LEN + 1], keygrip[2 * KEYGRIP_LEN + 1];

    snprintf(text, CARD_LINE_MAX, "%s T %s OPENPGP.%d %s", grip(facts, slot, keygrip),
             serial(facts, aid), (int)slot + 1, usages[slot]);
}

gpg_error_t card_lines_send_keyinfo(assuan_context_t assuan, const struct card_facts *facts,
                                    enum slot slot, card_line_keyinfo *write, bool as_data)
{
    char text[CARD_LINE_MAX];
    gpg_error_t err;

    write(facts, slot, text);
    if (!as_data)
        return assuan_write_status(assuan, "KEYINFO", text);
    err = session_send_text(assuan, text);
    return err ? err : session_send_text(assuan, "\n");
}

/* A value in a status line as scdaemon writes it: what would break the line, and %, + and ", as
 * %XX, a space as +. */
static gpg_error_t send_value(assuan_context_t assuan, const char *keyword, struct view value)
{
    char text[3 * OBJECT_SHOWN_MAX + 1];
    char *p = text;

    if (value.len > OBJECT_SHOWN_MAX)
        value.len = OBJECT_SHOWN_MAX;
    for (size_t i = 0; i < value.len; i++) {
        uint8_t c = value.data[i];

        if (c < 0x20 || c == '%' || c == '+' || c == '"')
            p += snprintf(p, 4, "%%%02X", c);
        else
            *p++ = c == ' ' ? '+' : (char)c;
    }
    *p = '\0';
    return assuan_write_status(assuan, keyword, text);
}

static gpg_error_t send_string(assuan_context_t assuan, const char *keyword, const char *value)
{
    return send_value(assuan, keyword, view_of(value, strlen(value)));
}

gpg_error_t card_lines_send_serial(assuan_context_t assuan, const struct card_facts *facts)
{
    char aid[2 * AID_LEN + 1];

    return assuan_write_status(assuan, "SERIALNO", serial(facts, aid));
}

typedef gpg_error_t send_attribute_fn(assuan_context_t assuan, const struct card_listing *listing,
                                      const char *name);

static gpg_error_t send_serial(assuan_context_t assuan, const struct card_listing *listing,
                               const char *name)
{
    (void)name;
    return card_lines_send_serial(assuan, &listing->facts);
}

static gpg_error_t send_app_type(assuan_context_t assuan, const struct card_listing *listing,
                                 const char *name)
{
    (void)listing;
    return send_string(assuan, name, "openpgp");
}

static gpg_error_t send_app_version(assuan_context_t assuan, const struct card_listing *listing,
                                    const char *name)
{
    char text[8];

    snprintf(text, sizeof text, "%X", listing->facts.data.version);
    return send_string(assuan, name, text);
}

static gpg_error_t send_capabilities(assuan_context_t assuan, const struct card_listing *listing,
                                     const char *name)
{
    const struct application_data *data = &listing->facts.data;
    const struct extended_capabilities *c = &data->extended;
    char text[CARD_LINE_MAX];

    snprintf(text, sizeof text,
             "gc=%d ki=%d fc=%d pd=%d mcl3=%u aac=%d sm=%d si=5 dec=%d bt=%d kdf=%d",
             c->get_challenge, c->key_import, c->pw_status_changeable, c->private_objects,
             c->certificate_max, c->attributes_changeable,
             c->secure_messaging ? 1 + c->sm_algorithm : 0, c->aes, data->button, c->kdf);
    return send_string(assuan, name, text);
}

static gpg_error_t send_manufacturer(assuan_context_t assuan, const struct card_listing *listing,
                                     const char *name)
{
    uint16_t id = listing->facts.data.manufacturer;
    const char *known = manufacturer_name(id);
    char text[CARD_LINE_MAX];

    snprintf(text, sizeof text, "%u %s", id, known ? known : "?");
    return assuan_write_status(assuan, name, text);
}

static gpg_error_t send_cardholder(assuan_context_t assuan, const struct card_listing *listing,
                                   const char *name, uint32_t tag)
{
    struct view content = tlv_content(buffer_view(&listing->objects.cardholder), TAG_CARDHOLDER, 0);
    struct view value = { 0 };

    (void)tlv_find(content, tag, &value);
    return send_value(assuan, name, value);
}

static gpg_error_t send_name(assuan_context_t assuan, const struct card_listing *listing,
                             const char *name)
{
    return send_cardholder(assuan, listing, name, TAG_NAME);
}

static gpg_error_t send_language(assuan_context_t assuan, const struct card_listing *listing,
                                 const char *name)
{
    return send_cardholder(assuan, listing, name, TAG_LANGUAGE);
}

static gpg_error_t send_sex(assuan_context_t assuan, const struct card_listing *listing,
                            const char *name)
{
    return send_cardholder(assuan, listing, name, TAG_SEX);
}

static gpg_error_t send_if_any(assuan_context_t assuan, const char *name,
                               const struct buffer *value)
{
    return value->len ? send_value(assuan, name, buffer_view(value)) : 0;
}

static gpg_error_t send_login(assuan_context_t assuan, const struct card_listing *listing,
                              const char *name)
{
    return send_if_any(assuan, name, &listing->objects.login);
}

static gpg_error_t send_url(assuan_context_t assuan, const struct card_listing *listing,
                            const char *name)
{
    return send_if_any(assuan, name, &listing->objects.url);
}

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

static gpg_error_t send_fingerprints(assuan_context_t assuan, const struct card_listing *listing,
                                     const char *name)
{
    gpg_error_t err = 0;

    for (int i = 0; i < SLOTS && !err; i++)
        err = send_fingerprint(assuan, name, i, listing->facts.data.slot[i].fingerprint);
    return err;
}

static gpg_error_t send_ca_fingerprints(assuan_context_t assuan, const struct card_listing *listing,
                                        const char *name)
{
    gpg_error_t err = 0;

    for (int i = 0; i < SLOTS && !err; i++)
        err = send_fingerprint(assuan, name, i, listing->facts.data.slot[i].ca_fingerprint);
    return err;
}

static gpg_error_t send_times(assuan_context_t assuan, const struct card_listing *listing,
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
static gpg_error_t send_algorithms(assuan_context_t assuan, const struct card_listing *listing,
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

static gpg_error_t send_pw_status(assuan_context_t assuan, const struct card_listing *listing,
                                  const char *name)
{
    const struct pw_status *pw = &listing->facts.data.pw;
    char text[CARD_LINE_MAX];

    snprintf(text, sizeof text, " %d %u %u %u %u %u %u", pw->pw1_for_many_signatures, pw->pw1_max,
             pw->reset_code_max, pw->pw3_max, pw->pw1_tries, pw->reset_code_tries, pw->pw3_tries);
    return send_string(assuan, name, text);
}

static gpg_error_t send_signature_counter(assuan_context_t assuan,
                                          const struct card_listing *listing, const char *name)
{
    struct view content =
        tlv_content(buffer_view(&listing->objects.security_support), TAG_SECURITY_SUPPORT, 0);
    unsigned long count = 0;
    struct view value;
    char text[24];

    if (!tlv_find(content, TAG_SIGNATURE_COUNTER, &value) || value.len > 3)
        return 0;
    for (size_t i = 0; i < value.len; i++)
        count = count << 8 | value.data[i];
    snprintf(text, sizeof text, "%lu", count);
    return send_string(assuan, name, text);
}

/* UIF-1, -2, -3: the data object, whose second octet says that it is about a button. */
static gpg_error_t send_touch(assuan_context_t assuan, const struct card_listing *listing,
                              const char *name)
{
    const struct slot_data *slot = &listing->facts.data.slot[name[4] - '1'];
    const uint8_t value[2] = { (uint8_t)slot->touch, 0x20 };

    if (!listing->facts.data.button)
        return 0;
    return send_value(assuan, name, view_of(value, sizeof value));
}

static gpg_error_t send_kdf(assuan_context_t assuan, const struct card_listing *listing,
                            const char *name)
{
    struct view value = tlv_content(buffer_view(&listing->objects.kdf), TAG_KDF, 0);

    return value.len ? send_value(assuan, name, value) : 0;
}

static gpg_error_t send_private_object(assuan_context_t assuan, const struct card_listing *listing,
                                       const char *name)
{
    return send_if_any(assuan, name,
                       strcmp(name, "PRIVATE-DO-1") == 0 ? &listing->objects.private_1
                                                         : &listing->objects.private_2);
}

static gpg_error_t send_key_pairs(assuan_context_t assuan, const struct card_listing *listing,
                                  const char *name)
{
    const struct card_facts *facts = &listing->facts;
    gpg_error_t err = 0;

    for (int i = 0; i < SLOTS && !err; i++) {
        char keygrip[2 * KEYGRIP_LEN + 1], algo[ALGORITHM_NAME_MAX], text[CARD_LINE_MAX];

        if (facts->key[i].state != SLOT_READ)
            continue;
        snprintf(text, sizeof text, "%s OPENPGP.%d %s %u %s", grip(facts, (enum slot)i, keygrip),
                 i + 1, usages[i], facts->data.slot[i].created,
                 algorithm_name(&facts->data.slot[i].algorithm, algo));
        err = assuan_write_status(assuan, name, text);
    }
    return err;
}

static gpg_error_t send_shown_serial(assuan_context_t assuan, const struct card_listing *listing,
                                     const char *name)
{
    char text[24];

    snprintf(text, sizeof text, "%04X %08X", listing->facts.data.manufacturer,
             listing->facts.data.serial);
    return send_string(assuan, name, text);
}

static gpg_error_t send_slot_key_id(assuan_context_t assuan, const struct card_listing *listing,
                                    const char *name)
{
    (void)listing;
    return send_string(assuan, name,
                       strcmp(name, "$SIGNKEYID") == 0   ? "OPENPGP.1"
                       : strcmp(name, "$ENCRKEYID") == 0 ? "OPENPGP.2"
                                                         : "OPENPGP.3");
}

/* In the order in which LEARN sends them. */
static const struct {
    const char *name;
    send_attribute_fn *send;
    bool known;   /* from the facts alone */
    bool learned; /* part of LEARN */
} attributes[] = {
    { "SERIALNO", send_serial, true, true },
    { "APPTYPE", send_app_type, true, true },
    { "APPVERSION", send_app_version, true, true },
    { "EXTCAP", send_capabilities, true, true },
    { "MANUFACTURER", send_manufacturer, true, true },
    { "DISP-NAME", send_name, false, true },
    { "DISP-LANG", send_language, false, true },
    { "DISP-SEX", send_sex, false, true },
    { "PUBKEY-URL", send_url, false, true },
    { "LOGIN-DATA", send_login, false, true },
    { "KEY-FPR", send_fingerprints, true, true },
    { "KEY-TIME", send_times, true, true },
    { "CA-FPR", send_ca_fingerprints, true, true },
    { "CHV-STATUS", send_pw_status, false, true },
    { "SIG-COUNTER", send_signature_counter, false, true },
    { "KDF", send_kdf, false, true },
    { "UIF-1", send_touch, true, true },
    { "UIF-2", send_touch, true, true },
    { "UIF-3", send_touch, true, true },
    { "PRIVATE-DO-1", send_private_object, false, true },
    { "PRIVATE-DO-2", send_private_object, false, true },
    { "KEYPAIRINFO", send_key_pairs, false, true },
    { "KEY-ATTR", send_algorithms, true, false },
    { "$DISPSERIALNO", send_shown_serial, true, false },
    { "$SIGNKEYID", send_slot_key_id, true, false },
    { "$ENCRKEYID", send_slot_key_id, true, false },
    { "$AUTHKEYID", send_slot_key_id, true, false },
};

#define ATTRIBUTES (sizeof attributes / sizeof *attributes)

bool card_lines_attribute_is_known(const char *name)
{
    for (size_t i = 0; i < ATTRIBUTES; i++) {
        if (strcmp(attributes[i].name, name) == 0)
            return attributes[i].known;
    }
    return true;
}

gpg_error_t card_lines_send_attribute(assuan_context_t assuan, const struct card_listing *listing,
                                      const char *name)
{
    for (size_t i = 0; i < ATTRIBUTES; i++) {
        if (strcmp(attributes[i].name, name) == 0)
            return attributes[i].send(assuan, listing, attributes[i].name);
    }
    return gpg_error(GPG_ERR_INV_NAME);
}

gpg_error_t card_lines_send_all(assuan_context_t assuan, const struct card_listing *listing)
{
    const char *name = listing->facts.reader;
    char reader[READER_NAME_MAX];
    gpg_error_t err;

    text_escape(view_of(name, strlen(name)), reader, sizeof reader);
    err = assuan_write_status(assuan, "READER", reader);
    for (size_t i = 0; i < ATTRIBUTES && !err; i++) {
        if (attributes[i].learned)
            err = attributes[i].send(assuan, listing, attributes[i].name);
    }
    return err;
}

gpg_error_t card_lines_send_public_key(assuan_context_t assuan, const struct public_key *key)
{
    gcry_sexp_t sexp;
    gpg_error_t err = public_key_sexp(key, &sexp);
    size_t len;
    char *canonical;

    if (err)
        return err;
    len = gcry_sexp_sprint(sexp, GCRYSEXP_FMT_CANON, NULL, 0);
    canonical = gcry_malloc(len);
    if (canonical) {
        len = gcry_sexp_sprint(sexp, GCRYSEXP_FMT_CANON, canonical, len);
        err = assuan_send_data(assuan, canonical, len);
    } else {
        err = gpg_error(GPG_ERR_ENOMEM);
    }
    gcry_free(canonical);
    gcry_sexp_release(sexp);
    return err;
}

static gpg_error_t find_slot(struct cards *cards, enum slot wanted, struct card_facts *facts,
                             enum slot *slot)
{
    struct card_list list;
    gpg_error_t err;

    cards_list(cards, &list);
    err = list.count ? card_learn(list.card[0], 1u << wanted, facts)
                     : gpg_error(GPG_ERR_CARD_NOT_PRESENT);
    card_list_release(&list);
    if (!err && facts->key[wanted].state != SLOT_READ)
        err = gpg_error(GPG_ERR_NO_OBJ);
    if (!err)
        *slot = wanted;
    return err;
}

gpg_error_t card_lines_find(struct cards *cards, const char *id, struct card_facts *facts,
                            enum slot *slot)
{
    uint8_t keygrip[KEYGRIP_LEN];
    struct card *card = NULL;
    struct view word;
    gpg_error_t err;

    if (strncmp(id, "OPENPGP.", 8) == 0 && id[8] >= '1' && id[8] <= '3' && !id[9])
        return find_slot(cards, (enum slot)(id[8] - '1'), facts, slot);
    if (!line_next_word(&id, &word) || !line_keygrip(word, keygrip))
        return gpg_error(GPG_ERR_INV_ID);
    err = cards_find_key(cards, keygrip, SLOTS_ALL, &card, slot, facts);
    card_unref(&card);
    return err;
}
