/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operation state: which operations run, and what the broker knows of functions. */
#ifndef HOSTPCI_BROKER_DAEMON_STATE_H
#define HOSTPCI_BROKER_DAEMON_STATE_H

#include "broker/daemon/job.h"

/* {operations: [{id, operation, arguments, started, step, function, functions, waiting-since?,
 * waiting-text?}], functions: {id: {kind: fact}}, kept?: [...]}: all operations, and the facts of
 * one function (`id` NULL: of all; journal_read_facts); of one function, too, what is kept and not there yet
 * (kept_describe). */
int state_describe(const struct jobs *jobs, const char *id, json_t **ret, struct error *err);

#endif
