#include "agent/card_private.h"

#include "agent/known_tokens.h"
#include "apdu/tlv.h"
#include "base/advice.h"
#include "base/log.h"

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* How long the threads that lock cards, and the end of the agent, wait for one. */
#define LOCK_WAIT_MS 1000

#define TAG_CARDHOLDER 0x65
#define TAG_NAME       0x5b

/* How often a card is looked at for keys that nobody has told of, and how long that may wait. */
#define LOOK_AGAIN_MS 1000
#define LOOK_WAIT_MS  500

/* Resets in a row, with nothing in between, after which a card is left alone. */
#define RESETS_MAX 5

struct card *card_new(struct readers *readers, const struct reader_info *info,
                      const struct pin_cache_policy *policy, struct known_tokens *known)
{
    struct card *card = calloc(1, sizeof *card);

    if (!card)
        return NULL;
    card->gone_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (card->gone_fd < 0) {
        free(card);
        return NULL;
    }
    atomic_init(&card->references, 1);
    atomic_init(&card->gone, false);
    card->readers = readers;
    atomic_init(&card->awaits_touch, false);
    atomic_init(&card->lock_wanted, false);
    atomic_init(&card->pin_end_ms, INT64_MAX);
    card->pin_policy = policy;
    card->known = known;
    card->insertion = info->insertion;
    memcpy(card->reader_name, info->name, sizeof card->reader_name);
    memcpy(card->facts.reader, info->name, sizeof card->facts.reader);
    fifo_lock_init(&card->queue);
    fifo_lock_init(&card->turn);
    pthread_mutex_init(&card->facts_mutex, NULL);
    return card;
}

struct card *card_ref(struct card *card)
{
    atomic_fetch_add(&card->references, 1);
    return card;
}

void card_unref(struct card **r_card)
{
    struct card *card = *r_card;

    *r_card = NULL;
    if (!card || atomic_fetch_sub(&card->references, 1) > 1)
        return;
    pin_cache_wipe(&card->pin);
    reader_disconnect(&card->reader);
    fifo_lock_destroy(&card->turn);
    fifo_lock_destroy(&card->queue);
    pthread_mutex_destroy(&card->facts_mutex);
    close(card->gone_fd);
    free(card);
}

bool card_is(const struct card *card, const struct readers *readers, const struct reader_info *info)
{
    return card->readers == readers && card->insertion == info->insertion &&
           strcmp(card->reader_name, info->name) == 0;
}

bool card_belongs_to(const struct card *card, const struct readers *readers)
{
    return card->readers == readers;
}

bool card_holder(const struct card *card, char *out)
{
    return readers_holder(card->readers, card->reader_name, out);
}

void card_set_gone(struct card *card)
{
    atomic_store(&card->gone, true);
    eventfd_write(card->gone_fd, 1);
}

void card_known_facts(struct card *card, struct card_facts *facts)
{
    pthread_mutex_lock(&card->facts_mutex);
    *facts = card->facts;
    pthread_mutex_unlock(&card->facts_mutex);
}

static void forget_state(struct card *card)
{
    card->selected = false;
    card->verified = false;
}

static gpg_error_t connect_card(struct card *card, struct deadline deadline)
{
    gpg_error_t err = reader_connect(card->readers, card->reader_name, deadline, &card->reader);
    bool refused = card->app.channel.refused;

    if (err)
        return err;
    forget_state(card);
    openpgp_card_init(&card->app, card->reader);
    if (refused)
        channel_refuse_extended(&card->app.channel);
    return 0;
}

/* Other programs may reset the card as often as they like; nothing of ours has happened then. */
static gpg_error_t begin_after_resets(struct card *card, struct deadline deadline)
{
    int tries = RESETS_MAX;
    gpg_error_t err;

    do {
        err = reader_begin(card->reader, deadline);
        if (gpg_err_code(err) == GPG_ERR_CARD_RESET)
            forget_state(card);
    } while (gpg_err_code(err) == GPG_ERR_CARD_RESET && --tries > 0);
    return err;
}

gpg_error_t card_begin(struct card *card, int wait_ms)
{
    struct deadline deadline = deadline_in_ms(wait_ms);
    gpg_error_t err = 0;

    if (atomic_load(&card->gone))
        return gpg_error(GPG_ERR_CARD_REMOVED);
    if (!card->reader)
        err = connect_card(card, deadline);
    if (!err)
        err = begin_after_resets(card, deadline);
    card->app.channel.deadline = deadline;
    return err;
}

void card_end(struct card *card)
{
    if (card->reader)
        reader_end(card->reader);
}

bool card_recover(struct card *card, gpg_error_t err)
{
    if (error_is_no_touch(err)) /* and all is well with the card */
        return false;
    switch (gpg_err_code(err)) {
    case GPG_ERR_CARD_RESET:
        forget_state(card);
        return true;
    case GPG_ERR_ENOENT: /* another application answered, or there is none of ours */
        forget_state(card);
        return !card->lasting_error;
    case GPG_ERR_CARD:
    case GPG_ERR_NO_SERVICE:
        forget_state(card);
        reader_disconnect(&card->reader);
        return !atomic_load(&card->gone);
    case GPG_ERR_CARD_REMOVED:
    case GPG_ERR_CARD_NOT_PRESENT:
    case GPG_ERR_TIMEOUT:
    case GPG_ERR_LOCKED:
        forget_state(card);
        reader_disconnect(&card->reader);
        return false;
    default:
        return false;
    }
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
    card->holder_read = false;
    card->facts.holder[0] = '\0';
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
 * came garbled, until it is asked for again. */
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

static gpg_error_t read_missing(struct card *card, unsigned slots)
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

/* Only for whoever has the turn. */
static void doubt(struct card *card, int slot)
{
    pthread_mutex_lock(&card->facts_mutex);
    if (card->facts.key[slot].source == KEY_FROM_MEMORY)
        card->facts.key[slot].source = KEY_DOUBTED;
    pthread_mutex_unlock(&card->facts_mutex);
}

void card_doubt_memory(struct card *card)
{
    card_take_turn(card);
    doubt(card, SLOT_DECRYPT);
    card_leave_turn(card);
}

static gpg_error_t learn_in_turn(struct card *card, unsigned slots)
{
    gpg_error_t err;
    int tries = 2;

    do {
        err = card_begin(card, CARD_WAIT_MS);
        if (!err) {
            err = read_missing(card, slots);
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
        known_tokens_note(card->known, facts, (struct view){ 0 });
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
    card->holder_read = true;
    pthread_mutex_lock(&card->facts_mutex);
    card_holder_name(buffer_view(cardholder), card->facts.holder);
    pthread_mutex_unlock(&card->facts_mutex);
}

void card_learn_holder(struct card *card)
{
    struct buffer cardholder = BUFFER(0);

    if (card->holder_read)
        return;
    if (read_object(card, DO_CARDHOLDER, &cardholder))
        buffer_free(&cardholder);
    publish_holder(card, &cardholder);
    buffer_free(&cardholder);
}

static gpg_error_t read_listing(struct card *card, struct card_objects *objects)
{
    gpg_error_t err = card_identify(card);

    if (gpg_err_code(err) == GPG_ERR_WRONG_CARD)
        err = 0;
    for (int i = 0; i < SLOTS && !err; i++)
        doubt(card, i);
    if (!err)
        err = read_missing(card, SLOTS_ALL);
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
        known_tokens_note(card->known, facts, card_objects_holder(objects));
    return err;
}

struct view card_objects_holder(const struct card_objects *objects)
{
    struct view holder = { 0 };

    (void)tlv_find(tlv_content(buffer_view(&objects->cardholder), TAG_CARDHOLDER, 0), TAG_NAME,
                   &holder);
    return holder;
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

int64_t card_pin_end_ms(struct card *card)
{
    return atomic_load(&card->pin_end_ms);
}

void card_forget_pin(struct card *card)
{
    pin_cache_wipe(&card->pin);
    atomic_store(&card->pin_end_ms, INT64_MAX);
}

static void warn_unlocked(const struct card *card, gpg_error_t err)
{
    if (gpg_err_code(err) == GPG_ERR_CARD_RESET || gpg_err_code(err) == GPG_ERR_CARD_REMOVED)
        return; /* nothing is left of its state */
    log_warning("the card in reader %s may stay unlocked until it is removed: %s",
                card->reader_name, gpg_strerror(err));
}

gpg_error_t card_close_state(struct card *card)
{
    gpg_error_t err = openpgp_card_forget_verification(&card->app, PASSWORD_PW1);

    /* Other programs lose their states by a reset, too: only where the card knows no other way. */
    if (gpg_err_code(err) == GPG_ERR_NOT_SUPPORTED)
        err = reader_reset(card->reader, card->app.channel.deadline);
    if (err)
        warn_unlocked(card, err);
    forget_state(card);
    return err;
}

static void serve_lock(struct card *card)
{
    gpg_error_t err;

    if (!atomic_exchange(&card->lock_wanted, false))
        return;
    card_forget_pin(card);
    if (!card->verified)
        return;
    card->verified = false;
    err = card_begin(card, LOCK_WAIT_MS);
    if (err) {
        warn_unlocked(card, err);
    } else {
        err = card_close_state(card);
        card_end(card);
    }
    if (err)
        (void)card_recover(card, err);
}

void card_take_turn(struct card *card)
{
    fifo_lock_take(&card->turn);
    serve_lock(card);
}

/* A wish that comes between the last look and the passing on is seen by the next holder, or
 * here. */
void card_leave_turn(struct card *card)
{
    do {
        serve_lock(card);
        fifo_lock_pass_on(&card->turn);
    } while (atomic_load(&card->lock_wanted) && fifo_lock_try(&card->turn));
}

void card_lock(struct card *card)
{
    atomic_store(&card->lock_wanted, true);
    if (fifo_lock_try(&card->turn))
        card_leave_turn(card);
}
