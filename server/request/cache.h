/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The cache of replies. A reply in it is good as long as the version number of its endpoint stays the same.
 *
 * Replies are found by the URI as it was sent: what a URI decodes to, which endpoint it means and whether its
 * parameters are valid never changes, so none of that is done again. Who asks, and whether they may, must be
 * checked for each request. When the cache has too many entries or bytes, the least recently used replies go;
 * a single reply may be larger than all of it. Thread-safe. */
#ifndef HOSTPCI_SERVER_REQUEST_CACHE_H
#define HOSTPCI_SERVER_REQUEST_CACHE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "api/request.h"
#include "schema/endpoint.h"
#include "server/request/reply.h"

#define CACHE_ENTRIES 16
#define CACHE_BYTES   ((size_t)2 * 1024 * 1024)

struct cached_reply; /* counted; it never changes */

/* Copies what it needs of the request, and shares the body. The last cached_reply_release frees it. */
struct cached_reply *cached_reply_new(const struct request *request, uint64_t version,
                                      struct reply_body *body);
void cached_reply_release(struct cached_reply *cached); /* takes NULL */

const struct endpoint *cached_reply_endpoint(const struct cached_reply *cached);
json_t *cached_reply_params(
    const struct cached_reply *cached); /* validated; read only, since other threads read them, too */
uint64_t cached_reply_version(const struct cached_reply *cached);

/* Where every login may ask, and is shown what it may see, the reply is good for the caller that it was made
 * for. */
bool cached_reply_is_for(const struct cached_reply *cached, const struct identity *caller);
struct reply_body *cached_reply_body(const struct cached_reply *cached);

struct reply_cache;

struct reply_cache *reply_cache_new(void);
void reply_cache_free(struct reply_cache *cache); /* takes NULL */

/* The reply to a GET of this URI, which the caller releases; NULL if there is none. */
struct cached_reply *reply_cache_find(struct reply_cache *cache, const char *uri);

/* Takes the reference. An older reply to the same URI goes. */
void reply_cache_put(struct reply_cache *cache, const char *uri, struct cached_reply *cached);

#endif
