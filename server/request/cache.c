/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The cache of replies. */
#include "server/request/cache.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* Has a reference count of its own, because two threads may not release a value of jansson at the same time.
 */
struct cached_reply {
    atomic_uint references;
    const struct endpoint *endpoint;
    json_t *params;
    uint64_t version;
    struct identity caller;
    struct reply_body *body;
};

struct entry {
    char *uri; /* NULL if the entry is free */
    struct cached_reply *reply;
    uint64_t last_use;
};

struct reply_cache {
    pthread_mutex_t mutex; /* guards what follows */
    struct entry entries[CACHE_ENTRIES];
    uint64_t uses;
    size_t bytes;
};

struct cached_reply *cached_reply_new(const struct request *request, uint64_t version,
                                      struct reply_body *body)
{
    struct cached_reply *cached = xcalloc(1, sizeof(*cached));

    cached->references = 1;
    cached->endpoint = request->endpoint;
    cached->params = json_deep_copy(request->params);
    cached->version = version;
    cached->caller = request->caller;
    cached->body = reply_body_share(body);
    return cached;
}

void cached_reply_release(struct cached_reply *cached)
{
    if (cached == NULL || atomic_fetch_sub(&cached->references, 1) > 1)
        return;
    json_decref(cached->params);
    reply_body_release(cached->body);
    free(cached);
}

const struct endpoint *cached_reply_endpoint(const struct cached_reply *cached)
{
    return cached->endpoint;
}

json_t *cached_reply_params(const struct cached_reply *cached)
{
    return cached->params;
}

uint64_t cached_reply_version(const struct cached_reply *cached)
{
    return cached->version;
}

bool cached_reply_is_for(const struct cached_reply *cached, const struct identity *caller)
{
    return cached->endpoint->permission.kind != PERMISSION_ALL || identity_is_same(&cached->caller, caller);
}

struct reply_body *cached_reply_body(const struct cached_reply *cached)
{
    return cached->body;
}

struct reply_cache *reply_cache_new(void)
{
    struct reply_cache *cache = xcalloc(1, sizeof(*cache));

    pthread_mutex_init(&cache->mutex, NULL);
    return cache;
}

static void empty(struct reply_cache *cache, struct entry *entry)
{
    if (entry->uri == NULL)
        return;
    cache->bytes -= reply_body_length(entry->reply->body);
    cached_reply_release(entry->reply);
    free(entry->uri);
    *entry = (struct entry){0};
}

void reply_cache_free(struct reply_cache *cache)
{
    if (cache == NULL)
        return;
    for (size_t i = 0; i < CACHE_ENTRIES; i++)
        empty(cache, &cache->entries[i]);
    pthread_mutex_destroy(&cache->mutex);
    free(cache);
}

static struct entry *find_entry(struct reply_cache *cache, const char *uri)
{
    for (struct entry *entry = cache->entries; entry < cache->entries + CACHE_ENTRIES; entry++) {
        if (entry->uri != NULL && strcmp(entry->uri, uri) == 0)
            return entry;
    }
    return NULL;
}

struct cached_reply *reply_cache_find(struct reply_cache *cache, const char *uri)
{
    struct cached_reply *cached = NULL;

    pthread_mutex_lock(&cache->mutex);
    struct entry *entry = find_entry(cache, uri);
    if (entry != NULL) {
        entry->last_use = ++cache->uses;
        cached = entry->reply;
        atomic_fetch_add(&cached->references, 1);
    }
    pthread_mutex_unlock(&cache->mutex);
    return cached;
}

/* Returns a free entry if there is one, because that was last used at 0. */
static struct entry *least_recently_used(struct reply_cache *cache)
{
    struct entry *oldest = &cache->entries[0];

    for (struct entry *entry = cache->entries; entry < cache->entries + CACHE_ENTRIES; entry++) {
        if (entry->last_use < oldest->last_use)
            oldest = entry;
    }
    return oldest;
}

static struct entry *least_recently_used_reply(struct reply_cache *cache)
{
    struct entry *oldest = &cache->entries[0];

    for (struct entry *entry = cache->entries; entry < cache->entries + CACHE_ENTRIES; entry++) {
        if (entry->uri != NULL && (oldest->uri == NULL || entry->last_use < oldest->last_use))
            oldest = entry;
    }
    return oldest;
}

/* Makes room for `needed` bytes; a reply that is larger than the cache empties it. */
static void make_room(struct reply_cache *cache, size_t needed)
{
    while (cache->bytes > 0 && cache->bytes + needed > CACHE_BYTES)
        empty(cache, least_recently_used_reply(cache));
}

void reply_cache_put(struct reply_cache *cache, const char *uri, struct cached_reply *cached)
{
    pthread_mutex_lock(&cache->mutex);
    struct entry *entry = find_entry(cache, uri);
    if (entry != NULL)
        empty(cache, entry);
    make_room(cache, reply_body_length(cached->body));
    entry = least_recently_used(cache);
    empty(cache, entry);
    *entry = (struct entry){xstrdup(uri), cached, ++cache->uses};
    cache->bytes += reply_body_length(cached->body);
    pthread_mutex_unlock(&cache->mutex);
}
