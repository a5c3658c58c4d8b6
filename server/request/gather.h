/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Gathering: of several equal reads by one caller, one is run, and all get its reply.
 *
 * A read can join another one only until that begins, so that its reply shows everything that was changed
 * before the request. Reads that arrive while one runs wait for the next one. So each caller has at most one
 * read of a URI in the pool, whatever it costs. (Coalescing, in server/request/coalesce.h, is for replies
 * that have a version, and works across callers.)
 *
 * Exchanges that wait are paused, and must not be touched before they are resumed. */
#ifndef HOSTPCI_SERVER_REQUEST_GATHER_H
#define HOSTPCI_SERVER_REQUEST_GATHER_H

#include <pthread.h>
#include <stdbool.h>

struct exchange;

/* All reads that others may join. */
struct gatherer {
    pthread_mutex_t mutex; /* guards the list and everything in it */
    struct gathered *first;
};

/* True: the exchange leads, and must be run. False: it waits for another one. */
bool gather_join(struct exchange *exchange);

/* To be called when the exchange, which leads, is about to be run: from now on no other one joins it. */
void gather_begin(const struct exchange *exchange);

/* To be called when it has its reply. Returns the exchanges that waited for it, linked by next_waiter.
 * *ret_next leads those that arrived later, and must be run; NULL if there are none. */
struct exchange *gather_end(struct exchange *exchange, struct exchange **ret_next);

#endif
