/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finished replies, kept while their endpoint's version number stays, and found by the URI as it was sent:
 * what a URI decodes to, which endpoint it means and whether its parameters are valid never changes, so none
 * of that is done again. Who asks, and whether they may, is. Few are cached, and few bytes but for a single
 * larger one; the least recently used one goes. Thread-safe. */
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

struct cached_reply; /* counted, never changed */

/* Copies what the request has, shares body. Freed by the last cached_reply_release. */
struct cached_reply *cached_reply_new(const struct request *request, uint64_t version,
                                      struct reply_body *body);
void cached_reply_release(struct cached_reply *cached); /* takes NULL */

const struct endpoint *cached_reply_endpoint(const struct cached_reply *cached);
json_t *cached_reply_params(
    const struct cached_reply *cached); /* validated; to be read only, as other threads do too */
uint64_t cached_reply_version(const struct cached_reply *cached);

/* Where any login may ask, each gets what it may see: then it is kept for the one who asked. */
bool cached_reply_is_for(const struct cached_reply *cached, const struct identity *caller);
struct reply_body *cached_reply_body(const struct cached_reply *cached);

struct reply_cache;

struct reply_cache *reply_cache_new(void);
void reply_cache_free(struct reply_cache *cache); /* takes NULL */

/* What was kept for a GET of this URI, for the caller to release; NULL if nothing is. */
struct cached_reply *reply_cache_find(struct reply_cache *cache, const char *uri);

/* Takes the reference; an older reply to the same URI goes. */
void reply_cache_put(struct reply_cache *cache, const char *uri, struct cached_reply *cached);

#endif
