#include "agent/card_private.h"
#include "agent/known_tokens.h"

static gpg_error_t read_object(struct card *card, uint16_t tag, struct buffer *value)
{
    gpg_error_t err;

    buffer_free(value);
    *value = BUFFER(RESPONSE_DATA_MAX);
    err = openpgp_card_get_data(&card->app, tag, value);
    return gpg_err_code(err) == GPG_ERR_NO_OBJ ? 0 : err;
}

static void publish_holder(struct card *card, const struct buffer *cardholder)
{
    pthread_mutex_lock(&card->facts_mutex);
    card_holder_name(buffer_view(cardholder), card->facts.holder);
    card->facts.holder_told = true;
    pthread_mutex_unlock(&card->facts_mutex);
}

bool card_learn_holder(struct card *card)
{
    struct buffer cardholder = BUFFER(0);
    bool told = !card->facts.holder_told && !read_object(card, DO_CARDHOLDER, &cardholder);

    if (told)
        publish_holder(card, &cardholder);
    buffer_free(&cardholder);
    return told;
}

static gpg_error_t read_listing(struct card *card, struct card_objects *objects)
{
    gpg_error_t err = card_identify(card);

    if (gpg_err_code(err) == GPG_ERR_WRONG_CARD)
        err = 0;
    for (int i = 0; i < SLOTS && !err; i++)
        card_doubt_key(card, (enum slot)i);
    if (!err)
        err = card_read_missing(card, SLOTS_ALL);
    if (!err)
        err = read_object(card, DO_CARDHOLDER, &objects->cardholder);
    if (!err)
        publish_holder(card, &objects->cardholder);
    if (!err)
        err = read_object(card, DO_LOGIN, &objects->login);
    if (!err)
        err = read_object(card, DO_URL, &objects->url);
    if (!err)
        err = read_object(card, DO_SECURITY_SUPPORT, &objects->security_support);
    if (!err && card->app.data.extended.kdf)
        err = read_object(card, DO_KDF, &objects->kdf);
    if (!err && card->app.data.extended.private_objects)
        err = read_object(card, DO_PRIVATE_1, &objects->private_1);
    if (!err && card->app.data.extended.private_objects)
        err = read_object(card, DO_PRIVATE_2, &objects->private_2);
    return err;
}

gpg_error_t card_list_objects(struct card *card, struct card_facts *facts,
                              struct card_objects *objects)
{
    gpg_error_t err;
    int tries = 2;

    if (atomic_load(&card->awaits_touch)) {
        card_known_facts(card, facts);
        return 0;
    }
    card_take_turn(card);
    do {
        err = card_begin(card, CARD_WAIT_MS);
        if (!err) {
            err = read_listing(card, objects);
            card_end(card);
        }
    } while (err && card_recover(card, err) && --tries > 0);
    card_known_facts(card, facts);
    card_leave_turn(card);
    if (!err)
        known_tokens_note(card->known, facts);
    return err;
}

void card_objects_free(struct card_objects *objects)
{
    buffer_free(&objects->cardholder);
    buffer_free(&objects->login);
    buffer_free(&objects->url);
    buffer_free(&objects->security_support);
    buffer_free(&objects->kdf);
    buffer_free(&objects->private_1);
    buffer_free(&objects->private_2);
}
