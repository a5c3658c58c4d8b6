/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Request coalescing: only one request at a time makes a reply that others want, too. */
#include "server/request/coalesce.h"

#include <string.h>

#include "server/request/exchange.h"

static bool is_same_reply(const struct making *making, const struct exchange *exchange, uint64_t version)
{
    const struct exchange *maker = making->maker;

    return making->version == version && strcmp(maker->uri, exchange->uri) == 0 &&
           (maker->request.endpoint->permission.kind != PERMISSION_ALL ||
            identity_is_same(&maker->request.caller, &exchange->request.caller));
}

/* The reply may have been made since the cache was searched. */
static bool find_in_cache(struct exchange *exchange, uint64_t version)
{
    struct cached_reply *cached = reply_cache_find(exchange->server->cache, exchange->uri);
    bool found = cached != NULL && cached_reply_version(cached) == version &&
                 cached_reply_is_for(cached, &exchange->request.caller);

    if (found)
        reply_cached(&exchange->reply, reply_body_share(cached_reply_body(cached)));
    cached_reply_release(cached);
    return found;
}

enum coalesce_result coalesce_begin(struct making *making, struct exchange *exchange, uint64_t version)
{
    struct coalescer *coalescer = &exchange->server->coalescer;
    enum coalesce_result result = COALESCE_WAITS;

    pthread_mutex_lock(&coalescer->mutex);
    struct making *other = coalescer->first;
    while (other != NULL && !is_same_reply(other, exchange, version))
        other = other->next;
    if (other != NULL) {
        exchange_pause(
            exchange); /* under the mutex, because the maker may resume it as soon as it is released */
        exchange->next_waiter = other->waiters;
        other->waiters = exchange;
    } else if (find_in_cache(exchange, version)) {
        result = COALESCE_FOUND;
    } else {
        *making = (struct making){.next = coalescer->first, .maker = exchange, .version = version};
        coalescer->first = making;
        result = COALESCE_MAKE;
    }
    pthread_mutex_unlock(&coalescer->mutex);
    return result;
}

struct exchange *coalesce_end(struct making *making)
{
    struct coalescer *coalescer = &making->maker->server->coalescer;
    struct making **at = &coalescer->first;

    pthread_mutex_lock(&coalescer->mutex);
    while (*at != making)
        at = &(*at)->next;
    *at = making->next;
    pthread_mutex_unlock(&coalescer->mutex);
    return making->waiters;
}
