/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the broker tells of itself: the operations state, vms and kept. */
#ifndef HOSTPCI_BROKER_DAEMON_STATE_H
#define HOSTPCI_BROKER_DAEMON_STATE_H

#include "broker/daemon/job.h"

/* The result of one of them. That of state is
 *
 *   {operations: [{id, operation, arguments, started, step, function, functions, waiting-since?,
 * waiting-text?}], functions: {id: {kind: fact}}, kept?: [...]}
 *
 * with all operations, and the facts of one function, or of all (journal_read_facts); of one function also
 * what is kept and not there yet (kept_describe). That of vms is machines_describe's, that of kept {kept:
 * [...]}. */
int state_tell(const struct jobs *jobs, const struct operation *operation, const json_t *arguments,
               json_t **ret, struct error *err);

#endif
