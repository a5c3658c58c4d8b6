/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finished replies, kept while their endpoint's version number stays, and found by the URI as it was sent:
 * what a URI decodes to, which endpoint it means and whether its parameters are valid never changes, so none
 * of that is done again. Who asks, and whether they may, is. Few are kept, and few bytes but for a single
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

struct kept; /* counted, never changed */

/* Copies what the request has, shares body. Freed by the last kept_release. */
struct kept *kept_new(const struct request *request, uint64_t version, struct reply_body *body);
void kept_release(struct kept *kept); /* takes NULL */

const struct endpoint *kept_endpoint(const struct kept *kept);
json_t *kept_params(const struct kept *kept); /* validated; to be read only, as other threads do too */
uint64_t kept_version(const struct kept *kept);

/* Where any login may ask, each gets what it may see: then it is kept for the one who asked. */
bool kept_is_for(const struct kept *kept, const struct identity *caller);
struct reply_body *kept_body(const struct kept *kept);

struct reply_cache;

struct reply_cache *reply_cache_new(void);
void reply_cache_free(struct reply_cache *cache); /* takes NULL */

/* What was kept for a GET of this URI, for the caller to release; NULL if nothing is. */
struct kept *reply_cache_find(struct reply_cache *cache, const char *uri);

/* Takes the reference; an older reply to the same URI goes. */
void reply_cache_keep(struct reply_cache *cache, const char *uri, struct kept *kept);

#endif
