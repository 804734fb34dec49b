#include "agent/card_attribute.h"
#include "apdu/openpgp_card.h"
#include "apdu/tlv.h"

#include <stdio.h>
#include <string.h>

static gpg_error_t send_cardholder(assuan_context_t assuan, const struct card_listing *listing,
                                   const char *name, uint32_t tag)
{
    struct view content = tlv_content(buffer_view(&listing->objects.cardholder), DO_CARDHOLDER, 0);
    struct view value = { 0 };

    (void)tlv_find(content, tag, &value);
    return attribute_send(assuan, name, value);
}

gpg_error_t attribute_name(assuan_context_t assuan, const struct card_listing *listing,
                           const char *name)
{
    return send_cardholder(assuan, listing, name, DO_NAME);
}

gpg_error_t attribute_language(assuan_context_t assuan, const struct card_listing *listing,
                               const char *name)
{
    return send_cardholder(assuan, listing, name, DO_LANGUAGE);
}

gpg_error_t attribute_sex(assuan_context_t assuan, const struct card_listing *listing,
                          const char *name)
{
    return send_cardholder(assuan, listing, name, DO_SEX);
}

static gpg_error_t send_if_any(assuan_context_t assuan, const char *name,
                               const struct buffer *value)
{
    return value->len ? attribute_send(assuan, name, buffer_view(value)) : 0;
}

gpg_error_t attribute_login(assuan_context_t assuan, const struct card_listing *listing,
                            const char *name)
{
    return send_if_any(assuan, name, &listing->objects.login);
}

gpg_error_t attribute_url(assuan_context_t assuan, const struct card_listing *listing,
                          const char *name)
{
    return send_if_any(assuan, name, &listing->objects.url);
}

gpg_error_t attribute_signature_counter(assuan_context_t assuan, const struct card_listing *listing,
                                        const char *name)
{
    struct view content =
        tlv_content(buffer_view(&listing->objects.security_support), DO_SECURITY_SUPPORT, 0);
    unsigned long count = 0;
    struct view value;
    char text[24];

    if (!tlv_find(content, DO_SIGNATURE_COUNTER, &value) || value.len > 3)
        return 0;
    for (size_t i = 0; i < value.len; i++)
        count = count << 8 | value.data[i];
    snprintf(text, sizeof text, "%lu", count);
    return attribute_send_text(assuan, name, text);
}

gpg_error_t attribute_kdf(assuan_context_t assuan, const struct card_listing *listing,
                          const char *name)
{
    struct view value = tlv_content(buffer_view(&listing->objects.kdf), DO_KDF, 0);

    return value.len ? attribute_send(assuan, name, value) : 0;
}

gpg_error_t attribute_private_object(assuan_context_t assuan, const struct card_listing *listing,
                                     const char *name)
{
    return send_if_any(assuan, name,
                       strcmp(name, "PRIVATE-DO-1") == 0 ? &listing->objects.private_1
                                                         : &listing->objects.private_2);
}
