/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finished replies, kept while their endpoint's version number stays. A few, the least recently used one
 * goes. */
#ifndef HOSTPCI_SERVER_CACHE_H
#define HOSTPCI_SERVER_CACHE_H

#include <stdint.h>

#include "schema/endpoint.h"
#include "server/reply.h"

#define CACHE_SIZE 16

struct reply_cache;

struct reply_cache *reply_cache_new(void);
void reply_cache_free(struct reply_cache *cache); /* takes NULL */

/* A reference for the caller; NULL if there is none of this version. `params` is the canonical text. */
struct reply_body *reply_cache_find(struct reply_cache *cache, const struct endpoint *endpoint,
                                    const char *params, uint64_t version);

/* Keeps a reference; an older version of the same reply goes. */
void reply_cache_keep(struct reply_cache *cache, const struct endpoint *endpoint, const char *params,
                      uint64_t version, struct reply_body *body);

#endif
