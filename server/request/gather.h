/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Gathering: of several equal reads that one caller waits for, one is run, and its reply goes to all.
 *
 * A read joins another one as long as that has not begun, so that it sees everything that was changed before
 * it came. Those that come while it runs wait for the next one. So one caller has at most one read of a URI
 * in the pool, whatever it costs. (Coalescing, in server/request/coalesce.h, is for replies of which a
 * version is known, and goes beyond one caller.)
 *
 * The exchanges are paused; whoever waits must not be touched before it is resumed. */
#ifndef HOSTPCI_SERVER_REQUEST_GATHER_H
#define HOSTPCI_SERVER_REQUEST_GATHER_H

#include <pthread.h>
#include <stdbool.h>

struct exchange;

/* All reads that others may join. */
struct gatherer {
    pthread_mutex_t mutex; /* guards what follows, and all that is gathered */
    struct gathered *first;
};

/* True: the exchange leads, and must be run. False: it waits for another one. */
bool gather_join(struct exchange *exchange);

/* Called when the exchange, which leads, is about to be run: nobody joins it any more. */
void gather_begin(const struct exchange *exchange);

/* Called when it has its reply. Gives those that waited for it, linked by next_waiter; *ret_next leads those
 * that came later, and must be run, or is NULL. */
struct exchange *gather_end(struct exchange *exchange, struct exchange **ret_next);

#endif
