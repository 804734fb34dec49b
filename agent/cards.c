#include "agent/cards.h"

#include "agent/card_name.h"
#include "agent/known_tokens.h"
#include "agent/reader_specs.h"
#include "agent/sharing.h"
#include "base/advice.h"
#include "base/log.h"
#include "base/text.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct back_end {
    struct cards *cards;
    struct readers *readers;
    pthread_t watcher;
    bool watched;
    gpg_error_t service; /* why its readers cannot be listed */
    enum readers_share share;
    size_t held; /* readers that other programs have for themselves */
};

struct cards {
    struct back_end *back_ends;
    size_t back_end_count;
    atomic_bool closing;
    struct cards_surroundings around;
    struct arrivals arrivals;

    pthread_mutex_t mutex; /* guards what follows, and service, share and held of the back ends */
    struct sharing sharing;
    struct card_list in;
    unsigned changes; /* insertions and removals */
};

static const char *spec_of(const struct back_end *back_end)
{
    return readers_spec(back_end->readers);
}

static void explain_service(const struct back_end *back_end, gpg_error_t service)
{
    const char *spec = spec_of(back_end);

    switch (gpg_err_code(service)) {
    case 0:
        log_info("%s: the reader service answers", spec);
        break;
    case GPG_ERR_EAGAIN:
        break;
    case GPG_ERR_NO_SERVICE:
        if (back_end->cards->sharing.spare)
            log_info("%s: no PC/SC service answers: tokens on USB are used without one", spec);
        else
            log_warning("%s: no PC/SC service answers: install and start pcscd", spec);
        break;
    case GPG_ERR_EACCES:
        log_warning("%s: the PC/SC service refuses this user: polkit must allow "
                    "org.debian.pcsc-lite.access_pcsc and access_card (a local, active session has "
                    "them)",
                    spec);
        break;
    default:
        log_warning("%s: readers cannot be listed: %s", spec, gpg_strerror(service));
    }
}

static void explain_card(const struct card_facts *facts, gpg_error_t err)
{
    const char *what = advice(err);
    char name[READER_NAME_MAX];

    log_warning("the card in reader %s cannot be asked: %s%s%s",
                text_escape(view_of(facts->reader, strlen(facts->reader)), name, sizeof name),
                gpg_strerror(err), what ? ": " : "", what ? what : "");
}

static void publish(struct cards *cards, enum event_kind kind, struct card *card)
{
    struct event event = { .kind = kind };
    struct card_facts facts;

    card_known_facts(card, &facts);
    memcpy(event.reader, facts.reader, sizeof event.reader);
    if (facts.read) {
        memcpy(event.aid, facts.data.aid, AID_LEN);
        card_name(&facts.data, event.card);
    }
    events_publish(cards->around.events, &event);
}

static void add_card(struct cards *cards, struct back_end *back_end, const struct reader_info *info)
{
    struct card *card;
    char name[READER_NAME_MAX];

    if (cards->in.count == CARDS_MAX) {
        log_warning("more than %d cards: one is left out", CARDS_MAX);
        return;
    }
    card = card_new(back_end->readers, info, &cards->around.pin_policy, cards->around.known);
    if (!card)
        return;
    cards->in.card[cards->in.count++] = card;
    cards->changes++;
    text_escape(view_of(info->name, strlen(info->name)), name, sizeof name);
    log_info("card inserted in reader %s", name);
    if (info->holder[0])
        log_warning("reader %s is held by %s", name, info->holder);
    publish(cards, EVENT_CARD_IN, card);
    arrivals_tell(&cards->arrivals);
}

static void remove_card(struct cards *cards, size_t at)
{
    struct card *card = cards->in.card[at];

    card_set_gone(card);
    session_key_cache_wipe(cards->around.session_keys);
    cards->in.count--;
    memmove(&cards->in.card[at], &cards->in.card[at + 1],
            (cards->in.count - at) * sizeof cards->in.card[0]);
    cards->changes++;
    log_info("card removed");
    publish(cards, EVENT_CARD_OUT, card);
    card_unref(&card);
}

static bool is_listed(const struct card *card, const struct back_end *back_end,
                      const struct reader_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->info[i].present && card_is(card, back_end->readers, &list->info[i]))
            return true;
    }
    return false;
}

static bool is_known(const struct cards *cards, const struct back_end *back_end,
                     const struct reader_info *info)
{
    for (size_t i = 0; i < cards->in.count; i++) {
        if (card_is(cards->in.card[i], back_end->readers, info))
            return true;
    }
    return false;
}

/* Under the mutex. */
static void share_tokens(struct cards *cards)
{
    for (size_t i = 0; i < cards->back_end_count; i++) {
        struct back_end *back_end = &cards->back_ends[i];
        enum readers_share wish;
        int64_t after_ms;

        if (!sharing_is_usb(spec_of(back_end)))
            continue;
        wish = sharing_wish(&cards->sharing, spec_of(back_end), &after_ms);
        if (wish != back_end->share)
            readers_share(back_end->readers, wish, after_ms);
        back_end->share = wish;
    }
}

/* Under the mutex. */
static void note_held(struct cards *cards, struct back_end *back_end,
                      const struct reader_list *list)
{
    size_t held = 0;

    for (size_t i = 0; i < list->count; i++)
        held += list->info[i].exclusive;
    if (held < back_end->held)
        arrivals_tell(&cards->arrivals);
    back_end->held = held;
}

static void update(struct cards *cards, struct back_end *back_end)
{
    struct reader_list list = { .count = 0 };

    readers_list(back_end->readers, &list);
    pthread_mutex_lock(&cards->mutex);
    if (gpg_err_code(list.service) != gpg_err_code(back_end->service))
        explain_service(back_end, list.service);
    back_end->service = list.service;
    if (sharing_is_pcsc(spec_of(back_end)))
        sharing_note_service(&cards->sharing, list.service);
    share_tokens(cards);
    for (size_t i = cards->in.count; i-- > 0;) {
        if (card_belongs_to(cards->in.card[i], back_end->readers) &&
            !is_listed(cards->in.card[i], back_end, &list))
            remove_card(cards, i);
    }
    for (size_t i = 0; i < list.count; i++) {
        if (list.info[i].present && !is_known(cards, back_end, &list.info[i]))
            add_card(cards, back_end, &list.info[i]);
    }
    note_held(cards, back_end, &list);
    pthread_mutex_unlock(&cards->mutex);
}

static void *watch(void *arg)
{
    struct back_end *back_end = arg;
    struct cards *cards = back_end->cards;

    while (!atomic_load(&cards->closing)) {
        readers_wait(back_end->readers);
        update(cards, back_end);
    }
    return NULL;
}

static void explain_spec(const char *spec, gpg_error_t err)
{
    switch (gpg_err_code(err)) {
    case GPG_ERR_INV_ARG:
        log_error("reader \"%s\" means nothing: use pcsc, pcsc:NAME, usb, usb:VID:PID with four "
                  "hex digits each, usb:spare, socket:PATH or socket:HOST:PORT with a loopback "
                  "address",
                  spec);
        break;
    case GPG_ERR_NOT_SUPPORTED:
        log_error("reader \"%s\": this cardea-agent was built without libusb", spec);
        break;
    case GPG_ERR_EADDRINUSE:
        log_error("reader \"%s\": another program is listening there", spec);
        break;
    default:
        log_error("reader \"%s\": %s", spec, gpg_strerror(err));
    }
}

static gpg_error_t open_back_end(struct cards *cards, const char *spec)
{
    struct back_end *back_end = &cards->back_ends[cards->back_end_count];
    gpg_error_t err = readers_open(spec, &back_end->readers);

    if (err && sharing_is_spare(spec)) {
        cards->sharing.spare = false;
        log_info("%s: %s", spec, gpg_strerror(err));
        return 0;
    }
    if (err) {
        explain_spec(spec, err);
        return err;
    }
    back_end->cards = cards;
    back_end->share = sharing_is_spare(spec) ? READERS_YIELD : READERS_ALONE;
    pthread_mutex_lock(&cards->mutex);
    cards->back_end_count++;
    share_tokens(cards);
    pthread_mutex_unlock(&cards->mutex);
    update(cards, back_end);
    if (pthread_create(&back_end->watcher, NULL, watch, back_end))
        return gpg_error(GPG_ERR_EAGAIN);
    back_end->watched = true;
    return 0;
}

static gpg_error_t open_back_ends(struct cards *cards, char *const *specs, size_t count)
{
    char **joined = NULL;
    gpg_error_t err = reader_specs_join(specs, count, &joined, &count);

    if (err)
        return err;
    cards->back_ends = calloc(count, sizeof *cards->back_ends);
    if (!cards->back_ends)
        err = gpg_error(GPG_ERR_ENOMEM);
    for (size_t i = 0; i < count && !err; i++) {
        cards->sharing.pcsc = cards->sharing.pcsc || sharing_is_pcsc(joined[i]);
        cards->sharing.spare = cards->sharing.spare || sharing_is_spare(joined[i]);
    }
    for (size_t i = 0; i < count && !err; i++)
        err = open_back_end(cards, joined[i]);
    reader_specs_free(&joined, count);
    return err;
}

gpg_error_t cards_open(char *const *specs, size_t count,
                       const struct cards_surroundings *surroundings, struct cards **r_cards)
{
    struct cards *cards = calloc(1, sizeof *cards);
    gpg_error_t err;

    if (!cards)
        return gpg_error(GPG_ERR_ENOMEM);
    pthread_mutex_init(&cards->mutex, NULL);
    arrivals_init(&cards->arrivals);
    cards->around = *surroundings;
    err = open_back_ends(cards, specs, count);
    if (err)
        cards_close(&cards);
    else
        *r_cards = cards;
    return err;
}

void cards_close(struct cards **r_cards)
{
    struct cards *cards = *r_cards;

    *r_cards = NULL;
    if (!cards)
        return;
    atomic_store(&cards->closing, true);
    for (size_t i = 0; i < cards->back_end_count; i++) {
        readers_wake(cards->back_ends[i].readers);
        if (cards->back_ends[i].watched)
            pthread_join(cards->back_ends[i].watcher, NULL);
    }
    card_list_release(&cards->in);
    for (size_t i = 0; i < cards->back_end_count; i++)
        readers_close(&cards->back_ends[i].readers);
    free(cards->back_ends);
    arrivals_destroy(&cards->arrivals);
    pthread_mutex_destroy(&cards->mutex);
    free(cards);
}

void cards_list(struct cards *cards, struct card_list *list)
{
    pthread_mutex_lock(&cards->mutex);
    list->count = cards->in.count;
    for (size_t i = 0; i < list->count; i++)
        list->card[i] = card_ref(cards->in.card[i]);
    pthread_mutex_unlock(&cards->mutex);
}

void card_list_release(struct card_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        card_unref(&list->card[i]);
    list->count = 0;
}

bool card_list_look_again(const struct card_list *list)
{
    bool changed = false;

    for (size_t i = 0; i < list->count; i++)
        changed = card_look_again(list->card[i]) || changed;
    return changed;
}

static bool facts_hold(const struct card_facts *facts, const uint8_t *keygrip, enum slot *slot)
{
    for (int i = 0; i < SLOTS; i++) {
        if (facts->key[i].state == SLOT_READ &&
            memcmp(facts->key[i].key.keygrip, keygrip, KEYGRIP_LEN) == 0) {
            *slot = (enum slot)i;
            return true;
        }
    }
    return false;
}

/* Makes sure of the slots in `read` of every listed card, and looks into all that is known. *asked:
 * the first error of a card that should have been able to tell. */
static struct card *find_among(const struct card_list *list, const uint8_t *keygrip, unsigned read,
                               enum slot *slot, struct card_facts *facts, gpg_error_t *asked)
{
    for (size_t i = 0; i < list->count; i++) {
        gpg_error_t err = card_learn(list->card[i], read, facts);

        if (!err && facts_hold(facts, keygrip, slot))
            return card_ref(list->card[i]);
        if (!err || gpg_err_code(err) == GPG_ERR_ENOENT)
            continue;
        explain_card(facts, err);
        if (!*asked)
            *asked = err;
    }
    return NULL;
}

/* The decryption slot first, of every card: a decryption must not pay for the other slots. */
static struct card *find(const struct card_list *list, const uint8_t *keygrip, unsigned read,
                         enum slot *slot, struct card_facts *facts, gpg_error_t *asked)
{
    struct card *found = find_among(list, keygrip, SLOTS_DECRYPT, slot, facts, asked);

    if (!found && read != SLOTS_DECRYPT)
        found = find_among(list, keygrip, read, slot, facts, asked);
    return found;
}

/* Why the key was not found; asked: the error of a card that might have had it. */
static gpg_error_t explain_absence(struct cards *cards, const uint8_t *keygrip, bool none,
                                   gpg_error_t asked)
{
    gpg_error_t service = cards_service_error(cards);

    if (asked)
        return asked;
    if (none && service)
        return service;
    if (none || known_tokens_hold(cards->around.known, keygrip))
        return gpg_error(GPG_ERR_CARD_NOT_PRESENT);
    return gpg_error(GPG_ERR_NO_SECKEY);
}

bool cards_holder(struct cards *cards, char *out)
{
    struct card_list list;
    bool found = false;

    cards_list(cards, &list);
    for (size_t i = 0; i < list.count && !found; i++)
        found = card_holder(list.card[i], out);
    card_list_release(&list);
    return found;
}

static gpg_error_t find_in_list(struct cards *cards, struct card_list *list, const uint8_t *keygrip,
                                unsigned read, struct card **r_card, enum slot *slot,
                                struct card_facts *facts)
{
    bool none = list->count == 0;
    gpg_error_t asked = 0;
    struct card *found = find(list, keygrip, read, slot, facts, &asked);

    if (!found && !asked && card_list_look_again(list))
        found = find(list, keygrip, read, slot, facts, &asked);
    card_list_release(list);
    if (!found)
        return explain_absence(cards, keygrip, none, asked);
    *r_card = found;
    return 0;
}

gpg_error_t cards_find_key(struct cards *cards, const uint8_t keygrip[KEYGRIP_LEN], unsigned read,
                           struct card **card, enum slot *slot, struct card_facts *facts)
{
    struct card_list list;

    cards_list(cards, &list);
    return find_in_list(cards, &list, keygrip, read, card, slot, facts);
}

gpg_error_t cards_find_key_but(struct cards *cards, const struct card *but,
                               const uint8_t keygrip[KEYGRIP_LEN], struct card **card,
                               enum slot *slot, struct card_facts *facts)
{
    struct card_list list;
    size_t kept = 0;

    cards_list(cards, &list);
    for (size_t i = 0; i < list.count; i++) {
        if (list.card[i] == but)
            card_unref(&list.card[i]);
        else
            list.card[kept++] = list.card[i];
    }
    list.count = kept;
    return find_in_list(cards, &list, keygrip, SLOTS_DECRYPT, card, slot, facts);
}

static bool is_in(const struct card_list *list, const uint8_t *aid)
{
    for (size_t i = 0; i < list->count; i++) {
        struct card_facts facts;

        card_known_facts(list->card[i], &facts);
        if (facts.read && memcmp(facts.data.aid, aid, AID_LEN) == 0)
            return true;
    }
    return false;
}

gpg_error_t cards_absent_tokens(struct cards *cards, struct known_token **tokens, size_t *count)
{
    struct card_list list;
    size_t kept = 0;
    gpg_error_t err = known_tokens_list(cards->around.known, tokens, count);

    if (err)
        return err;
    cards_list(cards, &list);
    for (size_t i = 0; i < *count; i++) {
        if (!is_in(&list, (*tokens)[i].facts.data.aid))
            (*tokens)[kept++] = (*tokens)[i];
    }
    *count = kept;
    card_list_release(&list);
    return 0;
}

struct arrivals *cards_arrivals(struct cards *cards)
{
    return &cards->arrivals;
}

gpg_error_t cards_service_error(struct cards *cards)
{
    gpg_error_t err = 0;

    pthread_mutex_lock(&cards->mutex);
    for (size_t i = 0; i < cards->back_end_count && !err; i++)
        err = cards->back_ends[i].service;
    if (gpg_err_code(err) == GPG_ERR_EAGAIN)
        err = gpg_error(GPG_ERR_NO_SERVICE);
    if (gpg_err_code(err) == GPG_ERR_NO_SERVICE && cards->sharing.spare)
        err = 0;
    pthread_mutex_unlock(&cards->mutex);
    return err;
}

bool cards_readers(struct cards *cards, size_t i, struct reader_list *list)
{
    if (i >= cards->back_end_count)
        return false;
    readers_list(cards->back_ends[i].readers, list);
    return true;
}

unsigned cards_event_count(struct cards *cards)
{
    unsigned events;

    pthread_mutex_lock(&cards->mutex);
    events = cards->changes;
    pthread_mutex_unlock(&cards->mutex);
    return events;
}

void cards_interrupt(struct cards *cards)
{
    for (size_t i = 0; i < cards->back_end_count; i++)
        readers_interrupt(cards->back_ends[i].readers);
}

void cards_lock_all(struct cards *cards)
{
    struct card_list list;

    cards_list(cards, &list);
    for (size_t i = 0; i < list.count; i++)
        card_lock(list.card[i]);
    card_list_release(&list);
    session_key_cache_wipe(cards->around.session_keys);
    events_publish(cards->around.events, &(struct event){ .kind = EVENT_LOCKED });
}
