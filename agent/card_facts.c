#include "agent/card_private.h"
#include "agent/known_tokens.h"
#include "base/log.h"

#include <string.h>

/* How often a card is looked at for keys that nobody has told of, and how long that may wait. */
#define LOOK_AGAIN_MS 1000
#define LOOK_WAIT_MS  500

void card_known_facts(struct card *card, struct card_facts *facts)
{
    pthread_mutex_lock(&card->facts_mutex);
    *facts = card->facts;
    pthread_mutex_unlock(&card->facts_mutex);
}

/* A card for other things is not asked twice: that would cost these their states, each time. */
static gpg_error_t select_application(struct card *card)
{
    gpg_error_t err = openpgp_card_select(&card->app);

    pthread_mutex_lock(&card->facts_mutex);
    if (!err)
        card->lasting_error = 0;
    else if (gpg_err_code(err) == GPG_ERR_ENOENT && !card->facts.read)
        card->lasting_error = err;
    pthread_mutex_unlock(&card->facts_mutex);
    return err;
}

static gpg_error_t select_and_read(struct card *card)
{
    gpg_error_t err;

    card->verified = false;
    err = select_application(card);
    if (err)
        return err;
    card->selected = true;
    return openpgp_card_read_data(&card->app);
}

static gpg_error_t read_data(struct card *card)
{
    gpg_error_t err;

    if (!card->selected)
        return select_and_read(card);
    err = openpgp_card_read_data(&card->app);
    if (gpg_err_code(err) != GPG_ERR_ENOENT)
        return err;
    log_debug("card: another application was selected in reader %s", card->reader_name);
    return select_and_read(card);
}

static bool same_slot(const struct slot_data *a, const struct slot_data *b)
{
    return a->present == b->present && a->created == b->created &&
           a->algorithm.kind == b->algorithm.kind &&
           a->algorithm.rsa_bits == b->algorithm.rsa_bits &&
           a->algorithm.curve == b->algorithm.curve &&
           memcmp(a->fingerprint, b->fingerprint, FINGERPRINT_LEN) == 0;
}

static bool same_keys(const struct application_data *a, const struct application_data *b)
{
    if (memcmp(a->aid, b->aid, AID_LEN) != 0)
        return false;
    for (int i = 0; i < SLOTS; i++) {
        if (!same_slot(&a->slot[i], &b->slot[i]))
            return false;
    }
    return true;
}

/* Under facts_mutex: the keys that are there are yet to be read, or remembered. */
static void begin_facts(struct card *card, const struct application_data *data)
{
    for (int i = 0; i < SLOTS; i++)
        card->facts.key[i] =
            (struct key_facts){ .state = data->slot[i].present ? SLOT_UNREAD : SLOT_EMPTY };
    card->kdf_read = false;
    card->facts.holder[0] = '\0';
    card->facts.holder_told = false;
    card->facts.data = *data;
    known_tokens_recall(card->known, &card->facts);
}

gpg_error_t card_identify(struct card *card)
{
    const struct application_data *data = &card->app.data;
    gpg_error_t err = read_data(card);

    if (err)
        return err;
    card->data_read_ms = monotonic_ms();
    pthread_mutex_lock(&card->facts_mutex);
    if (card->facts.read && !same_keys(&card->facts.data, data))
        err = gpg_error(GPG_ERR_WRONG_CARD);
    if (err || !card->facts.read)
        begin_facts(card, data);
    if (err) {
        card->verified = false;
        card_forget_pin(card);
    }
    card->facts.data = *data;
    card->facts.read = true;
    pthread_mutex_unlock(&card->facts_mutex);
    return err;
}

static void publish_key(struct card *card, int slot, const struct key_facts *key)
{
    pthread_mutex_lock(&card->facts_mutex);
    card->facts.key[slot] = *key;
    pthread_mutex_unlock(&card->facts_mutex);
}

/* A slot without a key that we could use is as good as empty until the card changes; one whose key
 * came garbled, until it is asked for again. But a card that garbles what decrypts is out of order:
 * to take its key for absent would be to say that nobody has it. */
static gpg_error_t read_key(struct card *card, int slot)
{
    struct key_facts key = { .state = SLOT_READ };
    gpg_error_t err = openpgp_card_read_public_key(&card->app, (enum slot)slot, &key.key);

    switch (gpg_err_code(err)) {
    case 0:
        break;
    case GPG_ERR_NO_OBJ:
    case GPG_ERR_PUBKEY_ALGO:
    case GPG_ERR_BAD_PUBKEY:
        log_debug("card: slot %d in reader %s: %s", slot + 1, card->reader_name, gpg_strerror(err));
        key.state = gpg_err_code(err) == GPG_ERR_BAD_PUBKEY ? SLOT_UNREAD : SLOT_EMPTY;
        if (key.state == SLOT_UNREAD && slot == SLOT_DECRYPT)
            return gpg_error(GPG_ERR_CARD);
        break;
    default:
        return err;
    }
    publish_key(card, slot, &key);
    return 0;
}

static bool is_to_be_read(const struct key_facts *key)
{
    return key->state == SLOT_UNREAD || key->source == KEY_DOUBTED;
}

/* True when the facts say all that is asked, or why they cannot. */
static bool answer_from_facts(struct card *card, unsigned slots, struct card_facts *facts,
                              gpg_error_t *err)
{
    bool known = true;

    pthread_mutex_lock(&card->facts_mutex);
    *facts = card->facts;
    *err = card->lasting_error;
    pthread_mutex_unlock(&card->facts_mutex);
    for (int i = 0; i < SLOTS; i++)
        known = known && (!(slots & 1u << i) || !is_to_be_read(&facts->key[i]));
    return *err || (facts->read && known);
}

gpg_error_t card_read_missing(struct card *card, unsigned slots)
{
    gpg_error_t err = 0;

    if (!card->facts.read || !card->selected)
        err = card_identify(card);
    if (gpg_err_code(err) == GPG_ERR_WRONG_CARD)
        err = 0;
    for (int i = 0; i < SLOTS && !err; i++) {
        if (slots & 1u << i && is_to_be_read(&card->facts.key[i]))
            err = read_key(card, i);
    }
    return err;
}

void card_doubt_key(struct card *card, enum slot slot)
{
    pthread_mutex_lock(&card->facts_mutex);
    if (card->facts.key[slot].source == KEY_FROM_MEMORY)
        card->facts.key[slot].source = KEY_DOUBTED;
    pthread_mutex_unlock(&card->facts_mutex);
}

void card_doubt_memory(struct card *card)
{
    card_take_turn(card);
    card_doubt_key(card, SLOT_DECRYPT);
    card_leave_turn(card);
}

static gpg_error_t learn_in_turn(struct card *card, unsigned slots)
{
    gpg_error_t err;
    int tries = 2;

    do {
        err = card_begin(card, CARD_WAIT_MS);
        if (!err) {
            err = card_read_missing(card, slots);
            card_end(card);
        }
    } while (err && card_recover(card, err) && --tries > 0);
    return gpg_err_code(err) == GPG_ERR_ENOENT && !card->lasting_error ? gpg_error(GPG_ERR_CARD)
                                                                       : err;
}

gpg_error_t card_learn(struct card *card, unsigned slots, struct card_facts *facts)
{
    gpg_error_t err;
    bool asked;

    if (answer_from_facts(card, slots, facts, &err))
        return err;
    card_take_turn(card);
    asked = !answer_from_facts(card, slots, facts, &err);
    if (asked) {
        err = learn_in_turn(card, slots);
        card_known_facts(card, facts);
    }
    card_leave_turn(card);
    if (asked && !err)
        known_tokens_note(card->known, facts);
    return err;
}

/* Another key is left to be read by whoever wants it, who also has it remembered. */
gpg_error_t card_identify_key(struct card *card)
{
    static const uint8_t none[FINGERPRINT_LEN];
    struct key_facts before = card->facts.key[SLOT_DECRYPT];
    gpg_error_t err = card_identify(card);

    if (err || before.state != SLOT_READ ||
        memcmp(card->app.data.slot[SLOT_DECRYPT].fingerprint, none, sizeof none) != 0)
        return err;
    err = read_key(card, SLOT_DECRYPT);
    if (err ||
        memcmp(&before.key.keygrip, card->facts.key[SLOT_DECRYPT].key.keygrip, KEYGRIP_LEN) == 0)
        return err;
    publish_key(card, SLOT_DECRYPT, &(struct key_facts){ .state = SLOT_UNREAD });
    return gpg_error(GPG_ERR_WRONG_CARD);
}

bool card_look_again(struct card *card)
{
    gpg_error_t err = 0;

    if (atomic_load(&card->awaits_touch) || !fifo_lock_try(&card->turn))
        return false;
    if (card->facts.read && monotonic_ms() - card->data_read_ms >= LOOK_AGAIN_MS) {
        err = card_begin(card, LOOK_WAIT_MS);
        if (!err) {
            err = card_identify_key(card);
            card_end(card);
        }
        (void)card_recover(card, err);
    }
    card_leave_turn(card);
    return gpg_err_code(err) == GPG_ERR_WRONG_CARD;
}

gpg_error_t card_learn_for_list(struct card *card, unsigned slots, struct card_facts *facts)
{
    if (!atomic_load(&card->awaits_touch))
        return card_learn(card, slots, facts);
    card_known_facts(card, facts);
    return 0;
}
