/* The card's memory: what the factory puts there. */
#include "tests/token/card.h"

#include <string.h>

const uint16_t token_object_max[OBJECT_COUNT] = {
    [OBJECT_NAME] = 39,
    [OBJECT_LANGUAGE] = 8,
    [OBJECT_SEX] = 1,
    [OBJECT_LOGIN] = SPECIAL_MAX,
    [OBJECT_URL] = SPECIAL_MAX,
    [OBJECT_PRIVATE_1] = SPECIAL_MAX,
    [OBJECT_PRIVATE_2] = SPECIAL_MAX,
    [OBJECT_PRIVATE_3] = SPECIAL_MAX,
    [OBJECT_PRIVATE_4] = SPECIAL_MAX,
    [OBJECT_KDF] = SPECIAL_MAX,
    [OBJECT_AES_KEY] = 32,
    [OBJECT_CERTIFICATE_1] = CERTIFICATE_MAX,
    [OBJECT_CERTIFICATE_2] = CERTIFICATE_MAX,
    [OBJECT_CERTIFICATE_3] = CERTIFICATE_MAX,
};

static void key_init(const struct token_profile *profile, struct key *key)
{
    key->attributes_len = token_attributes_of_rsa(profile, 2048, key->attributes);
    key->uif[1] = UIF_BUTTON;
    key->e = BUFFER(4);
    key->p = BUFFER(RSA_BITS_MAX / 8);
    key->q = BUFFER(RSA_BITS_MAX / 8);
    key->d = BUFFER(FIELD_MAX);
    key->public_object = BUFFER(RSA_BITS_MAX / 8 + 32);
}

gpg_error_t token_card_factory(const struct token_profile *profile, struct card *card)
{
    gpg_error_t err;

    memset(card, 0, sizeof *card);
    card->pw1_for_several = profile->several_signatures;
    card->pw1.value = card->pw3.value = card->rc.value = BUFFER(PASSWORD_MAX);
    for (size_t i = 0; i < OBJECT_COUNT; i++)
        card->objects[i] = BUFFER(token_object_max[i]);
    for (size_t i = 0; i < SLOT_COUNT; i++)
        key_init(profile, &card->keys[i]);
    err = token_password_set(&card->pw1, view_of(DEFAULT_PW1, strlen(DEFAULT_PW1)));
    if (!err)
        err = token_password_set(&card->pw3, view_of(DEFAULT_PW3, strlen(DEFAULT_PW3)));
    /* "Not known" of ISO 5218 is what the specification starts with (§4.4.3.5). */
    if (!err && !profile->sex_unset)
        err = buffer_append_u8(&card->objects[OBJECT_SEX], '9');
    if (!err && profile->language)
        err = buffer_append(&card->objects[OBJECT_LANGUAGE], profile->language,
                            strlen(profile->language));
    if (err)
        token_card_free(card);
    return err;
}

void token_card_free(struct card *card)
{
    buffer_free(&card->pw1.value);
    buffer_free(&card->rc.value);
    buffer_free(&card->pw3.value);
    for (size_t i = 0; i < OBJECT_COUNT; i++)
        buffer_free(&card->objects[i]);
    for (size_t i = 0; i < SLOT_COUNT; i++)
        token_key_delete(&card->keys[i]);
}
