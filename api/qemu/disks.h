/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Disks that a change of a VM makes in the storage `local`, and those that it removes there.
 *
 * A new disk is requested in place of a volume's name: scsi0=local:32,format=qcow2, of 32 GiB, or
 * efidisk0=local:1,efitype=4m, of whatever size the firmware's variables have, or tpmstate0=local:1, of 4
 * MiB. The task that makes the change has the broker make them all, puts the names of the volumes where they
 * were asked for, and goes on as if the client had named them; if the change fails after that, it removes
 * them. */
#ifndef HOSTPCI_API_QEMU_DISKS_H
#define HOSTPCI_API_QEMU_DISKS_H

#include "api/qemu/qemu.h"

/* Whether the parts of a value ask for a new disk. */
bool qemu_disk_is_new(const json_t *values);

/* Puts the storage before the size, if the parameter asks for a new disk by its size alone: scsi0=32. */
void qemu_disk_name_storage(json_t *params, const char *key);

/* Whether it can be made. The error has the key as its field. */
int qemu_disk_check_new(const char *key, const json_t *values, struct error *err);

/* Whether any parameter asks for one. */
bool qemu_disks_are_asked(const json_t *params);

/* Makes those that the parameters, which have been checked, ask for, and replaces them there. *ret_made is
 * the list of the new volumes, for qemu_disks_remove; it is empty if none were asked for. */
int qemu_disks_make(const struct qemu_call *call, struct task *task, json_t **ret_made, struct error *err);

/* Removes volumes of the VM, whose names are in a list. `task` may be NULL; `reason` makes its id another
 * than that of what the task does besides. */
int qemu_disks_remove(const struct qemu_call *call, struct task *task, const char *reason,
                      const json_t *volumes, struct error *err);

/* For a task that an earlier daemon left: removes the disks that it had made and that the VM does not name.
 */
void qemu_disks_sweep(struct service *service, struct task *task, long long vmid);

/* Of a VM that runs, after a change that left `document`: drives for discs that this change gave another
 * disc, or none, get it at once, and then it is not pending any more. */
int qemu_discs_change(const struct qemu_call *call, const json_t *document, struct error *err);

/* The same for its hostpciN, if it was started with pci in `hotplug`: they come and go at once. */
int qemu_devices_change(const struct qemu_call *call, const json_t *document, struct task *task,
                        struct error *err);

/* After a failure: the message stays, unless the volumes cannot be removed, which it says then. */
void qemu_disks_unmake(const struct qemu_call *call, struct task *task, const json_t *made,
                       struct error *err);

#endif
