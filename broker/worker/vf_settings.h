/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The settings of virtual functions as arguments, vf0 to vf255, and as steps of a worker: those of network
 * cards (hardware/slice/vf_link.h) and of NVMe drives (broker/worker/vf_nvme.h). */
#ifndef HOSTPCI_BROKER_WORKER_VF_SETTINGS_H
#define HOSTPCI_BROKER_WORKER_VF_SETTINGS_H

#include "broker/operations.h"
#include "broker/worker/worker.h"
#include "hardware/slice/vf_link.h"

/* {N: settings} of the arguments vfN. ERROR_INVALID for one that is `count` or more. */
int vf_settings_parse(const json_t *arguments, unsigned count, json_t **ret, struct error *err);

/* What is kept of a physical function that has `count` virtual ones now (broker/worker/sriov.c): the settings
 * of the fact; empty if another count is kept, or none. */
#define FACT_VFS "vfs"
json_t *vf_settings_kept(struct worker *worker, struct pci_address physical, unsigned count);

/* Gives those below `count` that have no mac one that stays the same (vf_link_make_mac). */
void vf_settings_add_macs(struct worker *worker, struct pci_address physical, unsigned count,
                          json_t *settings);

/* ERROR_FAILED if the settings are not those of this kind of device. `now` is NULL if the `count` virtual
 * functions are made anew; then an NVMe drive must have enough for them; if not, its settings must be what it
 * is now. */
int vf_settings_check(struct worker *worker, struct pci_address physical, unsigned count,
                      const json_t *settings, const json_t *now, struct error *err);

/* {N: settings} as they are now, below `count`, of a physical function; empty if it is neither a network card
 * nor an NVMe drive. */
int vf_settings_read(struct worker *worker, struct pci_address physical, unsigned count, json_t **ret,
                     struct error *err);

/* Makes those settings of a network card that are not so yet, those of each virtual function as a step on it,
 * and reads all of them back. 1: something was changed; 0: nothing had to be. ERROR_FAILED if there are
 * settings, but no network interface.
 */
int vf_settings_apply(struct worker *worker, struct pci_address physical, const json_t *settings,
                      struct error *err);

#endif
