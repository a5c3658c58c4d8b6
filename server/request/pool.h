/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A few threads for requests that may block, so that the threads that talk to clients never do. */
#ifndef HOSTPCI_SERVER_REQUEST_POOL_H
#define HOSTPCI_SERVER_REQUEST_POOL_H

#include "base/error.h"

struct worker_pool;

/* At most `limit` calls wait for a thread. */
int worker_pool_open(unsigned threads, unsigned limit, struct worker_pool **ret, struct error *err);
/* Waits until everything that was submitted has run. Takes NULL. */
void worker_pool_close(struct worker_pool *pool);

/* Calls run(argument) in one of the threads, in the order of submission. ERROR_BUSY if too many wait. */
int worker_pool_submit(struct worker_pool *pool, void (*run)(void *argument), void *argument,
                       struct error *err);

#endif
