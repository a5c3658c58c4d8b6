/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The VMs that run, as the broker's own thread knows them: it notices the end of each, whatever the cause,
 * and starts operation vm_stop to clean up (its id is "end:VMID:SECONDS"), unless another
 * operation, which has claimed the VM, does so. It begins with those that an earlier broker left running.
 *
 * What could not be given back is not forgotten: the machine stays, as `ending` and with the reason as
 * `left`, and cleaning up is tried again after 1 s, 2 s, 4 s and so on, every 256 s in the end. */
#ifndef HOSTPCI_BROKER_DAEMON_MACHINES_H
#define HOSTPCI_BROKER_DAEMON_MACHINES_H

#include <stdbool.h>

#include "broker/daemon/job.h"

struct machines;

struct machines *machines_new(struct jobs *jobs);
void machines_free(struct machines *machines); /* takes NULL */

/* Whether an operation's id is one of these, which clients may not use. */
bool machines_owns_id(const char *id);

/* Looks which machines exist. To be called at the start, and when an operation has ended. */
void machines_look(struct machines *machines);

/* The answer of operation vms. It reads only what the supervisors wrote. */
json_t *machines_describe(const struct machines *machines);

#endif
