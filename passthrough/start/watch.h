/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VMs that end without having been stopped: the guest has powered off, or QEMU was killed. The broker notices
 * them and cleans up; this gives each a task (qmcleanup, of root@pam) whose log says why QEMU ended. What the
 * VM had reserved is free with the end of its process. Ends while no daemon ran are reported by the next one.
 */
#ifndef HOSTPCI_PASSTHROUGH_START_WATCH_H
#define HOSTPCI_PASSTHROUGH_START_WATCH_H

#include "passthrough/start/start.h"

struct start_watch;

/* Begins a thread, which looks every two seconds. NULL if it cannot be created: then no end is reported. */
struct start_watch *start_watch_new(const struct start_host *host);

/* Ends the thread, which may take as long as the broker needs to answer. Takes NULL. */
void start_watch_free(struct start_watch *watch);

#endif
