/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A hostpciN that comes to a VM that runs, or leaves it: the daemon's half. The broker's is in
 * broker/worker/vm_plug.h. */
#ifndef HOSTPCI_PASSTHROUGH_START_PLUG_H
#define HOSTPCI_PASSTHROUGH_START_PLUG_H

#include "passthrough/start/start.h"

/* Whether a VM that was started with this configuration takes it: `hotplug` names pci. */
bool start_plugs(const json_t *config);

/* Reserves a device for the key and has it plugged in. A failure gives it back. `config` is what the VM was
 * started with. `task` may be NULL. */
int start_plug(const struct start_host *host, long long vmid, const json_t *config, const char *key,
               const char *value, struct task *task, struct error *err);

/* Has the guest give up what it has by that key, if anything. ERROR_BUSY if it does not. */
int start_unplug(const struct start_host *host, long long vmid, const char *key, struct task *task,
                 struct error *err);

#endif
