/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The course of a job, from its start to its end in the journal. Everything after job_start happens in
 * callbacks of the loop: on a message, at the end of a worker, when time has passed. */
#ifndef HOSTPCI_BROKER_DAEMON_JOB_RUN_H
#define HOSTPCI_BROKER_DAEMON_JOB_RUN_H

#include "broker/daemon/job.h"

/* Starts an operation with checked arguments, which it takes; an `id` if it changes something. The job in
 * *ret (may be NULL) stays valid until it has ended and the loop waits again; a caller who wants the answer
 * of a reading sets its `answer` and `reader` at once. ERROR_BUSY if too much runs already, or the same
 * reading waits for the kernel. */
int job_start(struct jobs *jobs, const struct operation *operation, const char *id, json_t *arguments,
              struct job **ret, struct error *err);

/* Goes on with an operation of an earlier broker, a row of journal_list_open: what its worker left half-way
 * is brought back. */
void job_resume(struct jobs *jobs, const json_t *row);

/* The worker is told at its next step, and undoes what it did. */
void job_stop(struct job *job);

#endif
