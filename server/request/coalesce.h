/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Request coalescing: of several requests for the same reply that may be cached, only the first one, the
 * maker, runs the handler. The others wait for its reply. Requests for other replies go on meanwhile, however
 * long the handler takes.
 *
 * Two requests want the same reply if they have the same URI and the same version and, where each caller is
 * shown only what it may see, the same caller. Waiting takes no thread: a waiting exchange is paused, and
 * whoever serves it must not touch it again before it is resumed. When the maker fails, those that waited are
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
    struct exchange *waiters; /* linked by next_waiter; the last one to come is the first */
};

/* All replies that are being made. */
struct coalescer {
    pthread_mutex_t mutex; /* guards what follows, and every `waiters` */
    struct making *first;
};

enum coalesce_result {
    COALESCE_MAKE,  /* the caller is the maker: it must call coalesce_end, whatever comes of it */
    COALESCE_FOUND, /* somebody has just made the reply, and the exchange has it now */
    COALESCE_WAITS, /* the exchange is paused, and may even be resumed already */
};

/* `version` is the number that the endpoint's version() has just given. */
enum coalesce_result coalesce_begin(struct making *making, struct exchange *exchange, uint64_t version);

/* Called when the reply is in the cache, or is not going to be there. Gives those who waited, linked by
 * next_waiter, for the caller to resume. */
struct exchange *coalesce_end(struct making *making);

#endif
