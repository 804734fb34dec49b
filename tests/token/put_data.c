/* Writing data objects: PUT DATA (§7.2.8). */
#include "tests/token/card.h"

#include <string.h>

static enum access write_access(unsigned int tag)
{
    return tag == 0x0101 || tag == 0x0103 ? ACCESS_PW1 : ACCESS_PW3;
}

static bool language_is_valid(struct view v)
{
    return v.len % 2 == 0;
}

static bool sex_is_valid(struct view v)
{
    return v.len == 0 || (v.data[0] >= '0' && v.data[0] <= '2') || v.data[0] == '9';
}

static bool aes_key_is_valid(struct view v)
{
    return v.len == 0 || v.len == 16 || v.len == 32;
}

static uint16_t store(struct token *t, enum object object, struct view value)
{
    struct buffer *b = &t->card.objects[object];

    if (value.len > token_object_max[object] ||
        (object == OBJECT_AES_KEY && !aes_key_is_valid(value)))
        return SW_WRONG_LENGTH;
    if ((object == OBJECT_LANGUAGE && !language_is_valid(value)) ||
        (object == OBJECT_SEX && !sex_is_valid(value)))
        return SW_BAD_DATA;
    buffer_clear(b);
    return buffer_append_view(b, value) ? SW_MEMORY : SW_OK;
}

static uint16_t set_octets(uint8_t *field, size_t len, struct view value)
{
    if (value.len != len)
        return SW_WRONG_LENGTH;
    memcpy(field, value.data, len);
    return SW_OK;
}

/* D6 to D8: "permanent" ends with a factory reset only (§4.4.3.6). */
static uint16_t put_uif(struct token *t, struct key *key, struct view value)
{
    if (!t->options.button)
        return token_word(t->options.profile->sw_absent, SW_NOT_FOUND);
    if (value.len != sizeof key->uif)
        return SW_WRONG_LENGTH;
    if (value.data[0] > t->options.profile->uif_max || value.data[1] != UIF_BUTTON)
        return SW_BAD_DATA;
    if (key->uif[0] == UIF_PERMANENT)
        return SW_CONDITIONS;
    memcpy(key->uif, value.data, sizeof key->uif);
    return SW_OK;
}

bool token_set_touch(struct token *token, unsigned int slot, uint8_t mode)
{
    if (!token->options.button)
        return false;
    token->card.keys[slot].uif[0] = mode;
    return true;
}

/* Objects of one slot: three tags in a row, for signature, decryption and authentication. */
static uint16_t put_slot_object(struct token *t, unsigned int tag, struct view value)
{
    struct key *keys = t->card.keys;

    if (tag >= 0xC1 && tag <= 0xC3)
        return token_put_attributes(t, (enum slot)(tag - 0xC1), value);
    if (tag >= 0xC7 && tag <= 0xC9)
        return set_octets(keys[tag - 0xC7].fingerprint, FINGERPRINT_LEN, value);
    if (tag >= 0xCA && tag <= 0xCC)
        return set_octets(keys[tag - 0xCA].ca_fingerprint, FINGERPRINT_LEN, value);
    if (tag >= 0xCE && tag <= 0xD0)
        return set_octets(keys[tag - 0xCE].created, sizeof keys->created, value);
    if (tag >= 0xD6 && tag <= 0xD8)
        return put_uif(t, &keys[tag - 0xD6], value);
    return SW_NOT_FOUND;
}

uint16_t token_put_data(struct token *t, const struct command *c, struct buffer *answer)
{
    unsigned int tag = (unsigned int)c->p1 << 8 | c->p2;
    enum object object;

    (void)answer;
    if (!token_has_object(t, tag))
        return token_word(t->options.profile->sw_absent, SW_NOT_FOUND);
    if (!token_may(t, write_access(tag)))
        return SW_NOT_ALLOWED;
    if (token_find_object(t, tag, &object))
        return store(t, object, c->data);
    switch (tag) {
    case 0xC4:
        return token_put_password_status(t, c->data);
    case 0xD3:
        return token_put_resetting_code(t, c->data);
    case 0xF9:
        return token_put_kdf(t, c->data);
    default:
        return put_slot_object(t, tag, c->data);
    }
}

uint16_t token_put_data_odd(struct token *t, const struct command *c, struct buffer *answer)
{
    (void)answer;
    if (c->p1 != 0x3F || c->p2 != 0xFF)
        return SW_BAD_PARAMETERS;
    if (!token_may(t, ACCESS_PW3))
        return SW_NOT_ALLOWED;
    return token_import_key(t, c->data);
}
