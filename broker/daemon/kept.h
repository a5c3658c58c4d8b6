/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was asked for `persistent`: facts of the journal, each applied by an operation of its own when the
 * broker starts, and once more when the kernel reports that the function came or got a driver.
 *
 * A fact of one of the kinds in kept.c holds the arguments of its operation but the function, which is the
 * fact's, and the ids of the device that it was saved for. Mediated devices have no facts: their files are
 * mdevctl's (hardware/slice/mdevctl.h), read at these two moments, and one operation serves a parent.
 * Mediated devices that an earlier broker made in this boot, and that are neither kept nor in use, are
 * removed at the start. What is to be applied is pending; it stays so as long as there is no such function,
 * another operation is about it (of several kinds for one function, each waits for the end of the one before
 * it), or, of what only a driver makes, the function has no driver that does, or is a drive that the broker
 * may not open. */
#ifndef HOSTPCI_BROKER_DAEMON_KEPT_H
#define HOSTPCI_BROKER_DAEMON_KEPT_H

#include "broker/daemon/job.h"

struct kept;

/* Everything that the journal holds is pending at first. `jobs` must outlive it. */
int kept_new(struct jobs *jobs, struct kept **ret, struct error *err);
void kept_free(struct kept *kept); /* takes NULL */

/* Whether an operation's id is one of those below, which clients may not use. */
bool kept_owns_id(const char *id);

/* Starts the operations that can start now ("boot:FUNCTION" for a driver, "vfs:FUNCTION"
 * for a count of virtual functions, and so on). Call this again when an operation
 * has ended. What cannot be applied is logged and no longer pending. */
void kept_apply(struct kept *kept);

/* Receives the events that wait in the socket of pci_events_open: what is kept for their functions is pending
 * again. */
void kept_take_events(struct kept *kept, int events);

/* What is kept for a function and is not there yet: [{function, operation, state, reason?}]. The states:
 * `running`; `held`, the same, but the kernel does not answer; `next`, it starts as soon as it can; `driver`,
 * the function has no driver; `other`, it has one that makes none now; `absent`, there is no such function.
 * NULL: of all functions, without the last two, of which there may be very many. */
json_t *kept_describe(const struct kept *kept, const char *function);

#endif
