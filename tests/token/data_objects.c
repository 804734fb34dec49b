/* Reading data objects (§4.4): GET DATA, GET NEXT DATA, SELECT DATA, GET CHALLENGE. */
#include "tests/token/card.h"
#include "tests/token/tlv.h"

#include <string.h>

#define FORM_MAX CERTIFICATE_MAX /* octets of the longest object */

#define TAG_CERTIFICATE    0x7F21
#define TAG_ALGORITHM_LIST 0xFA

static const struct {
    uint16_t tag;
    uint8_t object; /* enum object */
    uint8_t read;   /* enum access */
} stored[] = {
    { 0x5B, OBJECT_NAME, ACCESS_ALWAYS },        { 0x5F2D, OBJECT_LANGUAGE, ACCESS_ALWAYS },
    { 0x5F35, OBJECT_SEX, ACCESS_ALWAYS },       { 0x5E, OBJECT_LOGIN, ACCESS_ALWAYS },
    { 0x5F50, OBJECT_URL, ACCESS_ALWAYS },       { 0x0101, OBJECT_PRIVATE_1, ACCESS_ALWAYS },
    { 0x0102, OBJECT_PRIVATE_2, ACCESS_ALWAYS }, { 0x0103, OBJECT_PRIVATE_3, ACCESS_PW1 },
    { 0x0104, OBJECT_PRIVATE_4, ACCESS_PW3 },    { 0xD5, OBJECT_AES_KEY, ACCESS_NEVER },
};

bool token_find_object(const struct token *t, unsigned int tag, enum object *object)
{
    if (tag == TAG_CERTIFICATE) {
        *object = (enum object)(OBJECT_CERTIFICATE_1 + t->certificate);
        return true;
    }
    for (size_t i = 0; i < sizeof stored / sizeof stored[0]; i++)
        if (stored[i].tag == tag) {
            *object = (enum object)stored[i].object;
            return true;
        }
    return false;
}

enum access token_read_access(unsigned int tag)
{
    for (size_t i = 0; i < sizeof stored / sizeof stored[0]; i++)
        if (stored[i].tag == tag)
            return (enum access)stored[i].read;
    return ACCESS_ALWAYS;
}

static bool is_in(const uint16_t *tags, unsigned int tag)
{
    for (; tags && *tags; tags++)
        if (*tags == tag)
            return true;
    return false;
}

/* C0 tells of objects that come with an ability. */
bool token_has_object(const struct token *t, unsigned int tag)
{
    if (tag >= 0x0101 && tag <= 0x0104)
        return token_can(t, HAS_PRIVATE_OBJECTS);
    return tag == 0xF9 ? token_can(t, CAN_KDF) : tag != 0xD5 || token_can(t, CAN_AES);
}

static const uint16_t in_cardholder_related[] = { 0x5B, 0x5F2D, 0x5F35, 0 };
static const uint16_t in_security_support[] = { 0x93, 0 };

static const uint16_t *children_of(const struct token *t, unsigned int tag)
{
    switch (tag) {
    case 0x65:
        return in_cardholder_related;
    case 0x6E:
        return t->options.profile->in_application_related;
    case 0x73:
        return t->options.profile->in_discretionary;
    case 0x7A:
        return in_security_support;
    default:
        return NULL;
    }
}

/* What has no children of its own. */
static gpg_error_t put_simple(const struct token *t, unsigned int tag, struct buffer *b)
{
    enum object object;

    if (token_find_object(t, tag, &object))
        return buffer_append_view(b, buffer_view(&t->card.objects[object]));
    return token_compose(t, tag, b);
}

/* CanoKey fills the lengths of its trees in last. */
static gpg_error_t put_tagged(const struct token *t, unsigned int tag, struct view value,
                              struct buffer *b)
{
    const uint8_t head[] = { (uint8_t)tag, 0x82, (uint8_t)(value.len >> 8), (uint8_t)value.len };
    gpg_error_t err;

    if (!t->options.profile->long_lengths || (tag != 0x6E && tag != 0x73))
        return token_tlv_append(b, tag, value);
    err = buffer_append(b, head, sizeof head);
    return err ? err : buffer_append_view(b, value);
}

static gpg_error_t put_children(const struct token *t, const uint16_t *tags, struct buffer *b)
{
    gpg_error_t err = 0;

    for (; *tags && !err; tags++) {
        struct buffer value = BUFFER(FORM_MAX);

        if (children_of(t, *tags))
            err = put_children(t, children_of(t, *tags), &value);
        else
            err = put_simple(t, *tags, &value);
        if (!err && !(value.len == 0 && t->options.profile->omit_unset))
            err = put_tagged(t, *tags, buffer_view(&value), b);
        else if (gpg_err_code(err) == GPG_ERR_NOT_FOUND)
            err = 0;
        buffer_free(&value);
    }
    return err;
}

/* BER: bit 6 of the first octet. A certificate is answered as it was written. */
static bool is_constructed(unsigned int tag)
{
    return ((tag > 0xFF ? tag >> 8 : tag) & 0x20) && tag != TAG_CERTIFICATE;
}

static bool is_tagged(const struct token *t, unsigned int tag)
{
    return (t->options.outer_tags && is_constructed(tag)) || is_in(t->options.profile->tagged, tag);
}

/* The length of Yubico's list is wrong. */
static gpg_error_t put_list(const struct token *t, struct view value, struct buffer *b)
{
    gpg_error_t err =
        token_tl_append(b, TAG_ALGORITHM_LIST, value.len + t->options.profile->list_too_long);

    return err ? err : buffer_append_view(b, value);
}

static gpg_error_t put_object(const struct token *t, unsigned int tag, struct buffer *b)
{
    const uint16_t *children = children_of(t, tag);
    struct buffer value = BUFFER(FORM_MAX);
    gpg_error_t err;

    err = children ? put_children(t, children, &value) : put_simple(t, tag, &value);
    if (!err && is_tagged(t, tag))
        err = tag == TAG_ALGORITHM_LIST ? put_list(t, buffer_view(&value), b)
                                        : put_tagged(t, tag, buffer_view(&value), b);
    else if (!err)
        err = buffer_append_view(b, buffer_view(&value));
    buffer_free(&value);
    return err;
}

/* Appends object `tag`, if PINs allow. */
static uint16_t read_object(const struct token *t, unsigned int tag, struct buffer *answer)
{
    const struct token_profile *p = t->options.profile;
    enum access access = token_read_access(tag);
    gpg_error_t err;

    if (access == ACCESS_NEVER || !token_has_object(t, tag))
        return token_word(p->sw_absent, SW_NOT_FOUND);
    if (!token_may(t, access))
        return SW_NOT_ALLOWED;
    err = put_object(t, tag, answer);
    if (gpg_err_code(err) == GPG_ERR_NOT_FOUND)
        return token_word(p->sw_absent, SW_NOT_FOUND);
    if (!err && tag == TAG_CERTIFICATE && answer->len == 0)
        return token_word(p->sw_no_certificate, SW_OK);
    return err ? SW_MEMORY : SW_OK;
}

uint16_t token_get_data(struct token *t, const struct command *c, struct buffer *answer)
{
    const struct token_profile *p = t->options.profile;
    unsigned int tag = (unsigned int)c->p1 << 8 | c->p2;

    if (c->data.len)
        return SW_WRONG_LENGTH;
    if (is_in(p->hidden, tag))
        return token_word(p->sw_hidden, token_word(p->sw_absent, SW_NOT_FOUND));
    return read_object(t, tag, answer);
}

/* EF.ATR/INFO, ISO 7816-4 §8.2.1.3: card service data, capabilities, lengths of APDUs. */
static gpg_error_t put_atr_info(const struct token *t, struct buffer *b)
{
    uint8_t historical[HISTORICAL_MAX];
    struct buffer info = BUFFER(FORM_MAX);
    gpg_error_t err;

    (void)token_historical_bytes(t, historical);
    err = token_tlv_append(b, 0x43, view_of(historical + 2, 1));
    if (!err)
        err = token_tlv_append(b, 0x47, view_of(historical + 4, 3));
    if (!err && token_compose(t, 0x7F66, &info) == 0)
        err = token_tlv_append(b, 0x7F66, buffer_view(&info));
    buffer_free(&info);
    return err;
}

/* EF.DIR, ISO 7816-4 §8.2.1.1: one template with AID and label. */
static gpg_error_t put_directory(struct buffer *b)
{
    static const uint8_t directory[] = { 0x61, 0x11, 0x4F, 0x06, 0xD2, 0x76, 0x00, 0x01, 0x24, 0x01,
                                         0x50, 0x07, 'O',  'p',  'e',  'n',  'P',  'G',  'P' };

    return buffer_append(b, directory, sizeof directory);
}

uint16_t token_get_data_odd(struct token *t, const struct command *c, struct buffer *answer)
{
    static const uint8_t everything[] = { 0x5C, 0x00 };
    gpg_error_t err;

    if (!t->options.profile->odd_get_data)
        return SW_NO_INSTRUCTION;
    if (c->p1 != 0x2F || c->p2 > 0x01)
        return SW_BAD_PARAMETERS;
    if (!view_equal(c->data, view_of(everything, sizeof everything)))
        return SW_BAD_DATA;
    err = c->p2 == 0x01 ? put_atr_info(t, answer) : put_directory(answer);
    return err ? SW_MEMORY : SW_OK;
}

uint16_t token_select_data(struct token *t, const struct command *c, struct buffer *answer)
{
    static const uint8_t certificates[] = { 0x06, 0x60, 0x04, 0x5C, 0x02, 0x7F, 0x21 };
    size_t skip = t->options.profile->select_data_long ? 0 : 1;

    (void)answer;
    if (t->options.profile->sw_select_data)
        return t->options.profile->sw_select_data;
    if (c->p2 != 0x04)
        return SW_BAD_PARAMETERS;
    if (!view_equal(c->data, view_of(certificates + skip, sizeof certificates - skip)))
        return SW_BAD_DATA;
    if (c->p1 >= CERTIFICATES)
        return SW_NOT_FOUND;
    t->certificate = c->p1;
    return SW_OK;
}

uint16_t token_get_next_data(struct token *t, const struct command *c, struct buffer *answer)
{
    if (t->options.profile->sw_next_data)
        return t->options.profile->sw_next_data;
    if (c->p1 != 0x7F || c->p2 != 0x21)
        return SW_NOT_FOUND;
    if (c->data.len)
        return SW_WRONG_LENGTH;
    if (t->certificate + 1 >= CERTIFICATES)
        return SW_NOT_FOUND;
    t->certificate++;
    return read_object(t, TAG_CERTIFICATE, answer);
}

uint16_t token_get_challenge(struct token *t, const struct command *c, struct buffer *answer)
{
    size_t max = (size_t)t->capabilities[2] << 8 | t->capabilities[3];
    uint8_t *random;

    if (!token_can(t, CAN_GET_CHALLENGE))
        return SW_NO_INSTRUCTION;
    if (c->p1 || c->p2)
        return SW_BAD_PARAMETERS;
    if (c->data.len || c->le > max)
        return SW_WRONG_LENGTH;
    random = buffer_reserve(answer, c->le);
    if (!random)
        return SW_MEMORY;
    gcry_create_nonce(random, c->le);
    answer->len += c->le;
    return SW_OK;
}
