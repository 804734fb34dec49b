#include "agent/card_attribute.h"
#include "agent/card_lines.h"

#include <stdio.h>

gpg_error_t attribute_serial(assuan_context_t assuan, const struct card_listing *listing,
                             const char *name)
{
    (void)name;
    return card_lines_send_serial(assuan, &listing->facts);
}

gpg_error_t attribute_app_type(assuan_context_t assuan, const struct card_listing *listing,
                               const char *name)
{
    (void)listing;
    return attribute_send_text(assuan, name, "openpgp");
}

gpg_error_t attribute_app_version(assuan_context_t assuan, const struct card_listing *listing,
                                  const char *name)
{
    char text[8];

    snprintf(text, sizeof text, "%X", listing->facts.data.version);
    return attribute_send_text(assuan, name, text);
}

gpg_error_t attribute_capabilities(assuan_context_t assuan, const struct card_listing *listing,
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
    return attribute_send_text(assuan, name, text);
}

gpg_error_t attribute_manufacturer(assuan_context_t assuan, const struct card_listing *listing,
                                   const char *name)
{
    uint16_t id = listing->facts.data.manufacturer;
    const char *known = manufacturer_name(id);
    char text[CARD_LINE_MAX];

    snprintf(text, sizeof text, "%u %s", id, known ? known : "?");
    return assuan_write_status(assuan, name, text);
}

gpg_error_t attribute_pw_status(assuan_context_t assuan, const struct card_listing *listing,
                                const char *name)
{
    const struct pw_status *pw = &listing->facts.data.pw;
    char text[CARD_LINE_MAX];

    snprintf(text, sizeof text, " %d %u %u %u %u %u %u", pw->pw1_for_many_signatures, pw->pw1_max,
             pw->reset_code_max, pw->pw3_max, pw->pw1_tries, pw->reset_code_tries, pw->pw3_tries);
    return attribute_send_text(assuan, name, text);
}

gpg_error_t attribute_shown_serial(assuan_context_t assuan, const struct card_listing *listing,
                                   const char *name)
{
    char text[24];

    snprintf(text, sizeof text, "%04X %08X", listing->facts.data.manufacturer,
             listing->facts.data.serial);
    return attribute_send_text(assuan, name, text);
}
