/* The attributes of card_attributes.c, one function each: the status line, or lines, that GETATTR
 * and LEARN have for it. */
#pragma once

#include "agent/card_attributes.h"

/* Sends the attribute of this name; nothing for one that this card does not have. */
typedef gpg_error_t attribute_fn(assuan_context_t assuan, const struct card_listing *listing,
                                 const char *name);

/* What the card says of itself. */
attribute_fn attribute_serial, attribute_app_type, attribute_app_version, attribute_capabilities,
    attribute_manufacturer, attribute_pw_status, attribute_shown_serial;

/* What it says of its keys. */
attribute_fn attribute_fingerprints, attribute_ca_fingerprints, attribute_times,
    attribute_algorithms, attribute_key_pairs, attribute_touch, attribute_slot_key_id;

/* What only a listing reads. */
attribute_fn attribute_name, attribute_language, attribute_sex, attribute_login, attribute_url,
    attribute_signature_counter, attribute_kdf, attribute_private_object;

/* A value in a status line as scdaemon writes it: what would break the line, and %, + and ", as
 * %XX, a space as +. */
gpg_error_t attribute_send(assuan_context_t assuan, const char *keyword, struct view value);
gpg_error_t attribute_send_text(assuan_context_t assuan, const char *keyword, const char *value);
