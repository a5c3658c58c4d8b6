/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whose turn it is: of an operation that has `turn` (struct operation) one is done at a time for each value
 * of that argument, in whatever case it is written, and after a failure none for TURNS_REST_MS. So nobody,
 * not even an attacker who has taken over the daemon, can guess a user's password faster than at a login
 * prompt. */
#ifndef HOSTPCI_BROKER_DAEMON_TURNS_H
#define HOSTPCI_BROKER_DAEMON_TURNS_H

#include "broker/daemon/job.h"

#define TURNS_REST_MS 2000
#define TURNS_RUNNING (-1)

struct rest; /* a value for which an operation failed a moment ago */

/* How many milliseconds until this operation may begin: 0: it may now; TURNS_RUNNING: another one runs. */
long long turns_wait(const struct rest *rests, const struct jobs *jobs, const struct operation *operation,
                     const json_t *arguments, long long now);

/* To be called when one has failed, or when nobody waited for its answer. */
void turns_note_failure(struct rest **rests, const struct operation *operation, const json_t *arguments,
                        long long now);

/* Forgets the rests that are over. */
void turns_forget(struct rest **rests, long long now);

#endif
