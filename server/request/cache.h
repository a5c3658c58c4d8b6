/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The cache of replies. A reply in it is valid as long as its endpoint's version() returns the same number.
 *
 * The key is the URI as it was sent: what a URI decodes to, which endpoint it means and whether its
 * parameters are valid never changes, so none of that is done again. Who the caller is, and whether he may,
 * must be checked for each request. When the cache has too many entries or bytes, the least recently used
 * replies are dropped; a single reply may be larger than the limit. Thread-safe. */
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

struct cached_reply; /* reference-counted and immutable */

/* Copies what it needs of the request, and shares the body. The last cached_reply_release frees it. */
struct cached_reply *cached_reply_new(const struct request *request, uint64_t version,
                                      struct reply_body *body);
void cached_reply_release(struct cached_reply *cached); /* takes NULL */

const struct endpoint *cached_reply_endpoint(const struct cached_reply *cached);
json_t *cached_reply_params(
    const struct cached_reply *cached); /* validated; read only, since other threads read them, too */
uint64_t cached_reply_version(const struct cached_reply *cached);

/* False if the reply depends on the caller (PERMISSION_ALL) and was made for another one. */
bool cached_reply_is_for(const struct cached_reply *cached, const struct identity *caller);
struct reply_body *cached_reply_body(const struct cached_reply *cached);

struct reply_cache;

struct reply_cache *reply_cache_new(void);
void reply_cache_free(struct reply_cache *cache); /* takes NULL */

/* The reply to a GET of this URI, which the caller releases; NULL if there is none. */
struct cached_reply *reply_cache_find(struct reply_cache *cache, const char *uri);

/* Takes the reference. Replaces an older reply to the same URI. */
void reply_cache_put(struct reply_cache *cache, const char *uri, struct cached_reply *cached);

#endif
