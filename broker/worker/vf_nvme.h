/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The virtual functions of an NVMe drive: their shares of it (hardware/slice/nvme.h), which are their
 * settings `queues` and `interrupts` (broker/worker/vf_settings.h), as steps of a worker. */
#ifndef HOSTPCI_BROKER_WORKER_VF_NVME_H
#define HOSTPCI_BROKER_WORKER_VF_NVME_H

#include "broker/worker/worker.h"

/* {N: {queues, interrupts}} as they are now, below `count`; empty of a drive that does not share them. */
int vf_nvme_read(struct worker *worker, struct pci_address physical, unsigned count, json_t **ret,
                 struct error *err);

/* [{online, settings?: {queues, interrupts}}] of the first `count`, for an operation that only reads; empty
 * if the drive has no secondary controllers. */
int vf_nvme_describe(const struct sysroot *sysroot, struct pci_address physical, unsigned count, json_t **ret,
                     struct error *err);

/* ERROR_CONFLICT if `settings` differ from `now`: the functions exist and may be in use, and another division
 * can only be made with new ones. */
int vf_nvme_check(const char *id, const json_t *settings, const json_t *now, struct error *err);

/* Before they are made: ERROR_FAILED if the drive has too little for so many with these settings. */
int vf_nvme_check_count(struct worker *worker, struct pci_address physical, unsigned count,
                        const json_t *settings, struct error *err);

/* Divides the drive and sets the functions online that are not: all of them if they are `made` anew, with
 * equal parts where nothing is set, or else those that `settings` name. 1: something was changed; 0: nothing
 * had to be. */
int vf_nvme_apply(struct worker *worker, struct pci_address physical, unsigned count, bool made,
                  const json_t *settings, struct error *err);

#endif
