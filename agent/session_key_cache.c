#include "agent/session_key_cache.h"

#include <gcrypt.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    uint8_t id[32];
    size_t len;
    int64_t end_ms;
};

struct session_key_cache {
    int64_t ttl_ms;

    pthread_mutex_t mutex; /* guards what follows */
    unsigned long wipes;
    struct entry entries[SESSION_KEYS_MAX]; /* a ring, in the order in which they end */
    size_t first, count;
    /* Of the entries, each at its own place. All at once: secure memory is scarce, and what is
     * remembered must not leave too little for what is under way. */
    struct secret answers;
};

gpg_error_t session_key_cache_new(int64_t ttl_ms, struct session_key_cache **r_cache)
{
    struct session_key_cache *cache;
    gpg_error_t err;

    *r_cache = NULL;
    if (ttl_ms == 0)
        return 0;
    cache = calloc(1, sizeof *cache);
    if (!cache)
        return gpg_error(GPG_ERR_ENOMEM);
    err = secret_new(&cache->answers, SESSION_KEYS_MAX * SESSION_KEY_ANSWER_MAX);
    if (err) {
        free(cache);
        return err;
    }
    cache->ttl_ms = ttl_ms;
    pthread_mutex_init(&cache->mutex, NULL);
    *r_cache = cache;
    return 0;
}

void session_key_cache_free(struct session_key_cache **r_cache)
{
    struct session_key_cache *cache = *r_cache;

    *r_cache = NULL;
    if (!cache)
        return;
    secret_free(&cache->answers);
    pthread_mutex_destroy(&cache->mutex);
    free(cache);
}

static unsigned char *answer_of(struct session_key_cache *cache, const struct entry *entry)
{
    return cache->answers.data + (size_t)(entry - cache->entries) * SESSION_KEY_ANSWER_MAX;
}

static struct entry *entry_at(struct session_key_cache *cache, size_t i)
{
    return &cache->entries[(cache->first + i) % SESSION_KEYS_MAX];
}

static void drop_oldest(struct session_key_cache *cache)
{
    explicit_bzero(answer_of(cache, entry_at(cache, 0)), SESSION_KEY_ANSWER_MAX);
    cache->first = (cache->first + 1) % SESSION_KEYS_MAX;
    cache->count--;
}

/* Under the mutex. */
static void drop_what_is_due(struct session_key_cache *cache, int64_t now_ms)
{
    while (cache->count > 0 && entry_at(cache, 0)->end_ms <= now_ms)
        drop_oldest(cache);
}

static struct entry *find(struct session_key_cache *cache, const struct session_key_ticket *ticket)
{
    for (size_t i = 0; i < cache->count; i++) {
        struct entry *entry = entry_at(cache, i);

        if (memcmp(entry->id, ticket->id, sizeof entry->id) == 0)
            return entry;
    }
    return NULL;
}

void session_key_cache_ask(struct session_key_cache *cache, const uint8_t keygrip[KEYGRIP_LEN],
                           struct view data, struct session_key_ticket *ticket)
{
    uint8_t key[KEYGRIP_LEN];
    gcry_buffer_t parts[2] = { { .data = key, .len = sizeof key } };

    *ticket = (struct session_key_ticket){ .wipes = 0 };
    if (!cache)
        return;
    memcpy(key, keygrip, sizeof key);
    parts[1].data = (void *)(uintptr_t)data.data; /* libgcrypt's type knows no const */
    parts[1].len = data.len;
    gcry_md_hash_buffers(GCRY_MD_SHA256, 0, ticket->id, parts, 2);
    pthread_mutex_lock(&cache->mutex);
    ticket->wipes = cache->wipes;
    pthread_mutex_unlock(&cache->mutex);
}

bool session_key_cache_recall(struct session_key_cache *cache,
                              const struct session_key_ticket *ticket, int64_t now_ms,
                              struct secret *answer)
{
    struct entry *entry;
    bool recalled;

    if (!cache)
        return false;
    pthread_mutex_lock(&cache->mutex);
    drop_what_is_due(cache, now_ms);
    entry = find(cache, ticket);
    recalled = entry && !secret_copy(answer, view_of(answer_of(cache, entry), entry->len));
    pthread_mutex_unlock(&cache->mutex);
    return recalled;
}

/* Under the mutex. The time to live is one for all: what comes last ends last. */
static int64_t add(struct session_key_cache *cache, const struct session_key_ticket *ticket,
                   const struct secret *answer, int64_t now_ms)
{
    struct entry *entry;

    if (cache->count == SESSION_KEYS_MAX)
        drop_oldest(cache);
    entry = entry_at(cache, cache->count++);
    memcpy(entry->id, ticket->id, sizeof entry->id);
    entry->len = answer->len;
    entry->end_ms = now_ms + cache->ttl_ms;
    memcpy(answer_of(cache, entry), answer->data, answer->len);
    return entry->end_ms;
}

int64_t session_key_cache_remember(struct session_key_cache *cache,
                                   const struct session_key_ticket *ticket,
                                   const struct secret *answer, int64_t now_ms)
{
    int64_t end_ms = INT64_MAX;

    if (!cache || answer->len > SESSION_KEY_ANSWER_MAX)
        return end_ms;
    pthread_mutex_lock(&cache->mutex);
    drop_what_is_due(cache, now_ms);
    if (ticket->wipes == cache->wipes && !find(cache, ticket))
        end_ms = add(cache, ticket, answer, now_ms);
    pthread_mutex_unlock(&cache->mutex);
    return end_ms;
}

int64_t session_key_cache_expire(struct session_key_cache *cache, int64_t now_ms)
{
    int64_t next_ms = INT64_MAX;

    if (!cache)
        return next_ms;
    pthread_mutex_lock(&cache->mutex);
    drop_what_is_due(cache, now_ms);
    if (cache->count > 0)
        next_ms = entry_at(cache, 0)->end_ms;
    pthread_mutex_unlock(&cache->mutex);
    return next_ms;
}

void session_key_cache_wipe(struct session_key_cache *cache)
{
    if (!cache)
        return;
    pthread_mutex_lock(&cache->mutex);
    cache->wipes++;
    cache->count = 0;
    explicit_bzero(cache->answers.data, cache->answers.len);
    pthread_mutex_unlock(&cache->mutex);
}

size_t session_key_cache_count(struct session_key_cache *cache)
{
    size_t count;

    if (!cache)
        return 0;
    pthread_mutex_lock(&cache->mutex);
    count = cache->count;
    pthread_mutex_unlock(&cache->mutex);
    return count;
}
