/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Request coalescing: of several requests for the same cacheable reply, only the first one, the maker, runs
 * the handler. The others wait for its reply. Requests for other replies are not held up, however long the
 * handler takes.
 *
 * Two requests want the same reply if they have the same URI and the same version and, where the reply
 * depends on the caller, the same caller. Waiting does not occupy a thread: a waiting exchange is paused, and
 * whoever serves it must not touch it again before it is resumed. If the maker fails, those that waited are
 * resumed without a reply, and exchange_serve goes on with them: one of them becomes the next maker. */
#ifndef HOSTPCI_SERVER_REQUEST_COALESCE_H
#define HOSTPCI_SERVER_REQUEST_COALESCE_H

#include <pthread.h>
#include <stdint.h>

struct exchange;

/* A reply that is being made. It lies on its maker's stack from coalesce_begin to coalesce_end. */
struct making {
    struct making *next;
    const struct exchange *maker;
    uint64_t version;
    struct exchange *waiters; /* linked by next_waiter, newest first */
};

/* All replies that are being made. */
struct coalescer {
    pthread_mutex_t mutex; /* guards the rest, and every `waiters` */
    struct making *first;
};

enum coalesce_result {
    COALESCE_MAKE,  /* the caller is the maker: it must call coalesce_end, even if it fails */
    COALESCE_FOUND, /* another request has just made the reply, and the exchange has it now */
    COALESCE_WAITS, /* the exchange is paused, and may even be resumed already */
};

/* `version` is what the endpoint's version() has just returned. */
enum coalesce_result coalesce_begin(struct making *making, struct exchange *exchange, uint64_t version);

/* To be called when the reply is in the cache, or when it is certain that it will not be. Returns the
 * exchanges that waited, linked by next_waiter, for the caller to resume. */
struct exchange *coalesce_end(struct making *making);

#endif
