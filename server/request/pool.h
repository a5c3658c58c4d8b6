/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A few threads for requests that may block, so that the threads that talk to clients never do.
 *
 * Each caller has a queue of his own, and the queues take turns, so that a caller with many requests only
 * delays himself. One caller gets at most half of the threads and his share of the places in the queues; some
 * of both are reserved for root on this host. */
#ifndef HOSTPCI_SERVER_REQUEST_POOL_H
#define HOSTPCI_SERVER_REQUEST_POOL_H

#include "base/error.h"

struct worker_pool;

struct worker_limits {
    unsigned threads, kept_threads; /* how many, and how many of them are reserved for root */
    unsigned places, kept_places;   /* in the queues: for all callers, and additional ones for root */
    unsigned share;                 /* places of one caller */
};

int worker_pool_open(const struct worker_limits *limits, struct worker_pool **ret, struct error *err);
/* Waits until everything that was submitted has run. Takes NULL. */
void worker_pool_close(struct worker_pool *pool);

/* Calls run(argument) in one of the threads, in the order in which this caller submits. `caller` is copied;
 * NULL is root on this host. ERROR_BUSY if too many wait. */
int worker_pool_submit(struct worker_pool *pool, const char *caller, void (*run)(void *argument),
                       void *argument, struct error *err);

#endif
