/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All VMs of this node, up and down in the order of their key startup: order=N, up=SECONDS, down=SECONDS.
 *
 * Lower orders come first, VMs without one last, and VMs of the same order by their ids; down is the reverse
 * of up. Each VM is started or shut down by a task of its own. */
#ifndef HOSTPCI_PASSTHROUGH_START_ALL_H
#define HOSTPCI_PASSTHROUGH_START_ALL_H

#include "passthrough/start/start.h"

struct start_all {
    const char *user;       /* of the VMs' tasks */
    const char *const *vms; /* only these; ends with NULL; NULL: all */
    bool force;             /* up: also VMs without onboot */
    bool force_stop;        /* down: stop what does not power off */
    long long timeout;      /* down: seconds for VMs without down= */
};

/* Waits until the persistent settings are in effect: as long as they are being applied, and half a
 * minute for a driver that is not bound yet. Then starts the VMs with onboot=1, one after the
 * other, with a pause of up= (default: 3) seconds after each. If one fails, the others are still
 * started, and the log says so. */
int start_all_up(const struct start_host *host, const struct start_all *what, struct task *task,
                 struct error *err);

/* Shuts down those that run, all of the same order together. */
int start_all_down(const struct start_host *host, const struct start_all *what, struct task *task,
                   struct error *err);

#endif
