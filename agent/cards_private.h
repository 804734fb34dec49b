/* What the files cards*.c share of the cards; nobody else includes this. */
#pragma once

#include "agent/cards.h"
#include "agent/sharing.h"

#include <pthread.h>
#include <stdatomic.h>

struct back_end {
    struct cards *cards;
    struct readers *readers;
    pthread_t watcher;
    bool watched;
    bool looked;         /* at its readers, once since they were shared as they are */
    atomic_uint shares;  /* how often that changed */
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

    pthread_mutex_t mutex; /* guards what follows, and the state of the back ends */
    pthread_cond_t looked;
    struct sharing sharing;
    struct card_list in;
    unsigned changes; /* insertions and removals */
};

/* Opens the back ends of the specs and starts their watchers; as cards_open. */
gpg_error_t cards_watch(struct cards *cards, char *const *specs, size_t count);

/* Ends the watchers, and lets go of the cards before their readers. */
void cards_unwatch(struct cards *cards);
