/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finished replies, kept while their endpoint's version number stays. */
#include "server/cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

struct entry {
    const struct endpoint *endpoint; /* NULL: free */
    char *params;
    uint64_t version;
    uint64_t last_use;
    struct reply_body *body;
};

struct reply_cache {
    pthread_mutex_t mutex; /* guards what follows */
    struct entry entries[CACHE_SIZE];
    uint64_t uses;
};

struct reply_cache *reply_cache_new(void)
{
    struct reply_cache *cache = xcalloc(1, sizeof(*cache));

    pthread_mutex_init(&cache->mutex, NULL);
    return cache;
}

static void empty(struct entry *entry)
{
    free(entry->params);
    reply_body_release(entry->body);
    *entry = (struct entry){0};
}

void reply_cache_free(struct reply_cache *cache)
{
    if (cache == NULL)
        return;
    for (size_t i = 0; i < CACHE_SIZE; i++)
        empty(&cache->entries[i]);
    pthread_mutex_destroy(&cache->mutex);
    free(cache);
}

static struct entry *find(struct reply_cache *cache, const struct endpoint *endpoint, const char *params)
{
    for (struct entry *entry = cache->entries; entry < cache->entries + CACHE_SIZE; entry++) {
        if (entry->endpoint == endpoint && strcmp(entry->params, params) == 0)
            return entry;
    }
    return NULL;
}

struct reply_body *reply_cache_find(struct reply_cache *cache, const struct endpoint *endpoint,
                                    const char *params, uint64_t version)
{
    struct reply_body *body = NULL;

    pthread_mutex_lock(&cache->mutex);
    struct entry *entry = find(cache, endpoint, params);
    if (entry != NULL && entry->version == version) {
        entry->last_use = ++cache->uses;
        body = reply_body_share(entry->body);
    }
    pthread_mutex_unlock(&cache->mutex);
    return body;
}

static struct entry *least_recently_used(struct reply_cache *cache)
{
    struct entry *oldest = &cache->entries[0];

    for (struct entry *entry = cache->entries; entry < cache->entries + CACHE_SIZE; entry++) {
        if (entry->last_use < oldest->last_use)
            oldest = entry;
    }
    return oldest;
}

void reply_cache_keep(struct reply_cache *cache, const struct endpoint *endpoint, const char *params,
                      uint64_t version, struct reply_body *body)
{
    pthread_mutex_lock(&cache->mutex);
    struct entry *place = find(cache, endpoint, params);
    if (place == NULL)
        place = least_recently_used(cache);
    empty(place);
    *place = (struct entry){endpoint, xstrdup(params), version, ++cache->uses, reply_body_share(body)};
    pthread_mutex_unlock(&cache->mutex);
}
