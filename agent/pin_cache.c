#include "agent/pin_cache.h"

void pin_cache_keep(struct pin_cache *cache, const struct pin_cache_policy *policy,
                    struct secret *pin, int64_t now_ms)
{
    if (policy->idle_ms == 0) {
        pin_cache_wipe(cache);
        secret_free(pin);
        return;
    }
    secret_move(&cache->pin, pin);
    cache->unseen = false;
    cache->typed_ms = now_ms;
    cache->used_ms = now_ms;
}

void pin_cache_note_unseen(struct pin_cache *cache, int64_t now_ms)
{
    secret_free(&cache->pin);
    *cache = (struct pin_cache){ .unseen = true, .typed_ms = now_ms, .used_ms = now_ms };
}

void pin_cache_touch(struct pin_cache *cache, int64_t now_ms)
{
    cache->used_ms = now_ms;
}

int64_t pin_cache_end_ms(const struct pin_cache *cache, const struct pin_cache_policy *policy)
{
    int64_t idle_end = cache->used_ms + policy->idle_ms;
    int64_t max_end = cache->typed_ms + policy->max_ms;

    if (!cache->pin.data && !cache->unseen)
        return INT64_MAX;
    return idle_end < max_end ? idle_end : max_end;
}

void pin_cache_wipe(struct pin_cache *cache)
{
    secret_free(&cache->pin);
    cache->unseen = false;
}
