/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every operation of the broker, a row each: this table is all that it can be asked to do. Arguments are
 * checked against the row's schema, here again, whatever the front checked before. */
#ifndef HOSTPCI_BROKER_OPERATIONS_H
#define HOSTPCI_BROKER_OPERATIONS_H

#include <stdbool.h>

#include "broker/worker/worker.h"
#include "schema/endpoint.h"

struct operation {
    const char *name;
    const char *text; /* one sentence */
    const struct schema *arguments;
    bool changes;            /* needs an id, is journalled, goes on when the front hangs up */
    unsigned patience;       /* seconds until its client gets an error instead; 0: as long as it takes */
    operation_function *run; /* in a worker; NULL: the broker answers itself, from its journal */
};

/*  driver         {id, driver, scope, persistent?, force}     broker/worker/driver.c
 *  reset          {id, force}                                 broker/worker/reset.c
 *  describe       {id}: {device, readiness...}                broker/worker/describe.c   only reads, but as
 * root describe-host  {}                                          broker/worker/describe.c pam {user,
 * password}                            broker/worker/pam.c         only asks, but as root state {id?}: what
 * runs, choices, marks            the broker itself follow         {id, after} the broker itself stop {id}:
 * after its current step, then undone   the broker itself */
extern const struct operation operations[];
extern const size_t operation_count;

/* Started by the broker alone, in place of a worker that did not settle what it touched:
 * broker/worker/recover.c. */
extern const struct operation operation_recover;

/* NULL if there is none of that name that a client may ask for. */
const struct operation *operation_find(const char *name);

/* Checks arguments, an object, against the operation's schema, and fills in defaults. */
int operation_check(const struct operation *operation, json_t *arguments, struct error *err);

#endif
