#include "agent/cards_private.h"
#include "agent/known_tokens.h"

#include <stdlib.h>
#include <string.h>

gpg_error_t cards_open(char *const *specs, size_t count,
                       const struct cards_surroundings *surroundings, struct cards **r_cards)
{
    struct cards *cards = calloc(1, sizeof *cards);
    gpg_error_t err;

    if (!cards)
        return gpg_error(GPG_ERR_ENOMEM);
    pthread_mutex_init(&cards->mutex, NULL);
    pthread_cond_init(&cards->looked, NULL);
    arrivals_init(&cards->arrivals);
    cards->around = *surroundings;
    err = cards_watch(cards, specs, count);
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
    cards_unwatch(cards);
    arrivals_destroy(&cards->arrivals);
    pthread_cond_destroy(&cards->looked);
    pthread_mutex_destroy(&cards->mutex);
    free(cards);
}

/* Under the mutex. */
static bool all_looked(const struct cards *cards)
{
    for (size_t i = 0; i < cards->back_end_count; i++) {
        if (!cards->back_ends[i].looked)
            return false;
    }
    return true;
}

void cards_await_look(struct cards *cards)
{
    pthread_mutex_lock(&cards->mutex);
    while (!all_looked(cards)) /* the look of one may be why another has to look anew */
        pthread_cond_wait(&cards->looked, &cards->mutex);
    pthread_mutex_unlock(&cards->mutex);
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

bool cards_held_by(struct cards *cards, char *out)
{
    struct card_list list;
    bool found = false;

    cards_list(cards, &list);
    for (size_t i = 0; i < list.count && !found; i++)
        found = card_held_by(list.card[i], out);
    card_list_release(&list);
    return found;
}

bool card_list_look_again(const struct card_list *list)
{
    bool changed = false;

    for (size_t i = 0; i < list->count; i++)
        changed = card_look_again(list->card[i]) || changed;
    return changed;
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
