#include "agent/card_attribute.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

/* Octets of a data object that a line carries; longer ones are cut. */
#define OBJECT_SHOWN_MAX 254

/* In the order in which LEARN sends them. */
static const struct {
    const char *name;
    attribute_fn *send;
    bool known;   /* from the facts alone */
    bool learned; /* part of LEARN */
} attributes[] = {
    { "SERIALNO", attribute_serial, true, true },
    { "APPTYPE", attribute_app_type, true, true },
    { "APPVERSION", attribute_app_version, true, true },
    { "EXTCAP", attribute_capabilities, true, true },
    { "MANUFACTURER", attribute_manufacturer, true, true },
    { "DISP-NAME", attribute_name, false, true },
    { "DISP-LANG", attribute_language, false, true },
    { "DISP-SEX", attribute_sex, false, true },
    { "PUBKEY-URL", attribute_url, false, true },
    { "LOGIN-DATA", attribute_login, false, true },
    { "KEY-FPR", attribute_fingerprints, true, true },
    { "KEY-TIME", attribute_times, true, true },
    { "CA-FPR", attribute_ca_fingerprints, true, true },
    { "CHV-STATUS", attribute_pw_status, false, true },
    { "SIG-COUNTER", attribute_signature_counter, false, true },
    { "KDF", attribute_kdf, false, true },
    { "UIF-1", attribute_touch, true, true },
    { "UIF-2", attribute_touch, true, true },
    { "UIF-3", attribute_touch, true, true },
    { "PRIVATE-DO-1", attribute_private_object, false, true },
    { "PRIVATE-DO-2", attribute_private_object, false, true },
    { "KEYPAIRINFO", attribute_key_pairs, false, true },
    { "KEY-ATTR", attribute_algorithms, true, false },
    { "$DISPSERIALNO", attribute_shown_serial, true, false },
    { "$SIGNKEYID", attribute_slot_key_id, true, false },
    { "$ENCRKEYID", attribute_slot_key_id, true, false },
    { "$AUTHKEYID", attribute_slot_key_id, true, false },
};

#define ATTRIBUTES (sizeof attributes / sizeof *attributes)

gpg_error_t attribute_send(assuan_context_t assuan, const char *keyword, struct view value)
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

gpg_error_t attribute_send_text(assuan_context_t assuan, const char *keyword, const char *value)
{
    return attribute_send(assuan, keyword, view_of(value, strlen(value)));
}

bool card_attribute_is_known(const char *name)
{
    for (size_t i = 0; i < ATTRIBUTES; i++) {
        if (strcmp(attributes[i].name, name) == 0)
            return attributes[i].known;
    }
    return true;
}

gpg_error_t card_attribute_send(assuan_context_t assuan, const struct card_listing *listing,
                                const char *name)
{
    for (size_t i = 0; i < ATTRIBUTES; i++) {
        if (strcmp(attributes[i].name, name) == 0)
            return attributes[i].send(assuan, listing, attributes[i].name);
    }
    return gpg_error(GPG_ERR_INV_NAME);
}

gpg_error_t card_attributes_send_all(assuan_context_t assuan, const struct card_listing *listing)
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
