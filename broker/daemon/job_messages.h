/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a worker says (broker/protocol.h), message by message: into the journal, and answered. */
#ifndef HOSTPCI_BROKER_DAEMON_JOB_MESSAGES_H
#define HOSTPCI_BROKER_DAEMON_JOB_MESSAGES_H

#include "broker/daemon/job.h"

/* Sends the job's worker a message of a type, with the fields of `fields`, which it takes; NULL: none. If
 * the message cannot be sent the worker has died, which its pidfd reports, too. */
void job_send(struct job *job, const char *type, json_t *fields);

void job_handle_message(struct job *job, const json_t *message);

#endif
