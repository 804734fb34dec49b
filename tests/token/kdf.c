/* The KDF-DO (§4.3.2): the host hashes PINs, the card only stores the digests. */
#include "tests/token/card.h"
#include "tests/token/tlv.h"

#include <string.h>

#define KDF_NONE            0x00
#define KDF_ITERATED_SALTED 0x03
#define HASH_SHA256         0x08
#define HASH_SHA512         0x0A
#define SALT_LEN            8

enum { TAG_ALGORITHM = 0x81, TAG_HASH, TAG_COUNT, TAG_SALT_PW1, TAG_SALT_RC, TAG_SALT_PW3 };
enum { TAG_INITIAL_PW1 = 0x87, TAG_INITIAL_PW3 };

struct kdf {
    size_t digest_len; /* 0: off */
    struct view initial_pw1, initial_pw3;
};

static bool field_is(struct view v, unsigned int tag, size_t len, struct view *value)
{
    return token_tlv_find(v, tag, value) && value->len == len;
}

/* Missing altogether, or as long as it must be. */
static bool field_may_be(struct view v, unsigned int tag, size_t len, struct view *value)
{
    *value = view_of(NULL, 0);
    return !token_tlv_find(v, tag, value) || value->len == len;
}

static size_t digest_len_of(uint8_t hash)
{
    return hash == HASH_SHA256 ? 32 : hash == HASH_SHA512 ? 64 : 0;
}

static bool kdf_parse(struct view v, struct kdf *kdf)
{
    struct view algorithm, hash, count, salt;
    struct kdf k = { 0 };

    *kdf = k;
    if (v.len == 0)
        return true;
    if (!field_is(v, TAG_ALGORITHM, 1, &algorithm))
        return false;
    if (algorithm.data[0] == KDF_NONE)
        return true;
    if (algorithm.data[0] != KDF_ITERATED_SALTED || !field_is(v, TAG_HASH, 1, &hash) ||
        !field_is(v, TAG_COUNT, 4, &count) || !field_is(v, TAG_SALT_PW1, SALT_LEN, &salt) ||
        !field_may_be(v, TAG_SALT_RC, SALT_LEN, &salt) ||
        !field_may_be(v, TAG_SALT_PW3, SALT_LEN, &salt))
        return false;
    k.digest_len = digest_len_of(hash.data[0]);
    if (!k.digest_len || !field_may_be(v, TAG_INITIAL_PW1, k.digest_len, &k.initial_pw1) ||
        !field_may_be(v, TAG_INITIAL_PW3, k.digest_len, &k.initial_pw3))
        return false;
    *kdf = k;
    return true;
}

size_t token_kdf_digest_len(const struct card *card)
{
    struct kdf kdf;

    return kdf_parse(buffer_view(&card->objects[OBJECT_KDF]), &kdf) ? kdf.digest_len : 0;
}

/* Digests of default PINs come with the DO; without a KDF plain default PINs are back. */
static gpg_error_t replace_passwords(struct card *card, const struct kdf *kdf, bool was_on)
{
    gpg_error_t err = 0;

    if (kdf->initial_pw1.len)
        err = token_password_set(&card->pw1, kdf->initial_pw1);
    if (!err && kdf->initial_pw3.len)
        err = token_password_set(&card->pw3, kdf->initial_pw3);
    if (!err && !kdf->digest_len && was_on) {
        err = token_password_set(&card->pw1, view_of(DEFAULT_PW1, strlen(DEFAULT_PW1)));
        if (!err)
            err = token_password_set(&card->pw3, view_of(DEFAULT_PW3, strlen(DEFAULT_PW3)));
    }
    return err;
}

static bool has_keys(const struct card *card)
{
    for (size_t i = 0; i < SLOT_COUNT; i++)
        if (token_key_present(&card->keys[i]))
            return true;
    return false;
}

uint16_t token_put_kdf(struct token *t, struct view value)
{
    struct buffer *object = &t->card.objects[OBJECT_KDF];
    bool was_on = token_kdf_digest_len(&t->card) > 0;
    struct kdf kdf;

    if (value.len > token_object_max[OBJECT_KDF])
        return SW_WRONG_LENGTH;
    if (!kdf_parse(value, &kdf))
        return SW_BAD_DATA;
    if (t->options.profile->kdf_before_keys && has_keys(&t->card))
        return SW_CONDITIONS;
    if (replace_passwords(&t->card, &kdf, was_on))
        return SW_MEMORY;
    buffer_clear(object);
    return buffer_append_view(object, value) ? SW_MEMORY : SW_OK;
}
