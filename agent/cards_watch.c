#include "agent/card_name.h"
#include "agent/cards_private.h"
#include "agent/reader_specs.h"
#include "base/log.h"
#include "base/text.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

/* Memory and descriptors that are short may come back. */
#define SHORTAGE_PAUSE_MS 200

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

/* False when the system has not given what it takes. */
static bool add_card(struct cards *cards, struct back_end *back_end, const struct reader_info *info)
{
    struct card *card;
    char name[READER_NAME_MAX];

    if (cards->in.count == CARDS_MAX) {
        log_warning("more than %d cards: one is left out", CARDS_MAX);
        return true;
    }
    card = card_new(back_end->readers, info, &cards->around.pin_policy, cards->around.known);
    if (!card)
        return false;
    cards->in.card[cards->in.count++] = card;
    cards->changes++;
    text_escape(view_of(info->name, strlen(info->name)), name, sizeof name);
    log_info("card inserted in reader %s", name);
    if (info->holder[0])
        log_warning("reader %s is held by %s", name, info->holder);
    publish(cards, EVENT_CARD_IN, card);
    arrivals_tell(&cards->arrivals);
    return true;
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
        if (wish == back_end->share)
            continue;
        readers_share(back_end->readers, wish, after_ms);
        back_end->share = wish;
        back_end->looked = false;
        atomic_fetch_add(&back_end->shares, 1);
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

/* False when a card could not be added and should be tried again. */
static bool update(struct cards *cards, struct back_end *back_end)
{
    const unsigned shares = atomic_load(&back_end->shares);
    struct reader_list list = { .count = 0 };
    bool complete = true;

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
            complete = add_card(cards, back_end, &list.info[i]) && complete;
    }
    note_held(cards, back_end, &list);
    back_end->looked = shares == atomic_load(&back_end->shares);
    if (!back_end->looked) /* nobody knows whether the list is of before or after */
        readers_wake(back_end->readers);
    pthread_cond_broadcast(&cards->looked);
    pthread_mutex_unlock(&cards->mutex);
    return complete;
}

static void *watch(void *arg)
{
    struct back_end *back_end = arg;
    struct cards *cards = back_end->cards;

    while (!atomic_load(&cards->closing)) {
        while (!update(cards, back_end) && !atomic_load(&cards->closing))
            poll(NULL, 0, SHORTAGE_PAUSE_MS);
        readers_wait(back_end->readers);
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
        pthread_mutex_lock(&cards->mutex);
        cards->sharing.spare = false;
        pthread_mutex_unlock(&cards->mutex);
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
    if (pthread_create(&back_end->watcher, NULL, watch, back_end))
        return gpg_error(GPG_ERR_EAGAIN);
    back_end->watched = true;
    return 0;
}

gpg_error_t cards_watch(struct cards *cards, char *const *specs, size_t count)
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

void cards_unwatch(struct cards *cards)
{
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
}
