/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The devices of the host that a VM gets, its hostpciN: taken before its QEMU starts, given back after its
 * end.
 *
 * A function is taken from its driver and gets the VFIO driver that fits, and is reset, beside those of other
 * IOMMU groups (plan_each). One with driver=keep,
 * a vGPU of a vendor's own interface, and the parent of a mediated device keep theirs. A mediated device or
 * vGPU that is not there yet is created.
 *
 * The machine's record (broker/machine/machine.h) says what there is to give back. Before the VM has started
 * the way back is by the claims (broker/worker/undo.h): everything goes to where it was. After its end only
 * functions with `reattach` go back to their drivers; a mediated device that was created goes in both cases.
 */
#ifndef HOSTPCI_BROKER_WORKER_VM_DEVICES_H
#define HOSTPCI_BROKER_WORKER_VM_DEVICES_H

#include "broker/machine/machine.h"
#include "broker/worker/mdev_state.h"
#include "broker/worker/plan.h"

struct vm_devices {
    struct plan moved;  /* functions that get a VFIO driver */
    struct plan kept;   /* functions that keep their driver, and parents */
    json_t *reattached; /* ids, an array */
    json_t *mediated;   /* [{parent, uuid, type}]; uuid "": the parent becomes a vGPU itself */
};
void vm_devices_release(struct vm_devices *devices);
#define autovmdevices __attribute__((cleanup(vm_devices_release)))

/* From the arguments of operation vm_start. Nothing is claimed or changed. */
int vm_devices_find(struct worker *worker, struct vm_devices *ret, struct error *err);

/* Claims for worker_claim, without and with what each function has and is to have; a new reference. */
json_t *vm_devices_pack_claims(const struct vm_devices *devices, bool whole);

/* After the first claim: what each function is to have. Refused is what operation driver refuses without
 * force. */
int vm_devices_prepare(struct worker *worker, struct vm_devices *devices, struct error *err);

/* What the machine's record holds of them: {functions: [CLAIM with reattach], mediated: [], hostpci: {KEY:
 * {ids, uuid?, value}}}. */
json_t *vm_devices_describe(const struct worker *worker, const struct vm_devices *devices);

/* After the whole claim and with the record: takes all. Each mediated device is in the record before it is
 * created. What was done until a failure is still to be undone. */
int vm_devices_take(struct worker *worker, struct vm_devices *devices, struct machine *machine,
                    struct error *err);

/* The device nodes of the groups that QEMU opens, an array; a new reference. */
json_t *vm_devices_list_nodes(const struct worker *worker, const struct vm_devices *devices);

/* Adds `own` and `lock` to the order (broker/machine/supervisor.h). What QEMU may lock is, with a device, its
 * memory, because the device may write anywhere into it, and 1 GiB for its own; with a virtual IOMMU each
 * IOMMU group counts the memory anew: also those that the order has already. */
void vm_devices_add_order(const struct worker *worker, const struct vm_devices *devices, json_t *order);

/* The VM runs: what the functions had is kept for driver=restore, and their claims end. */
void vm_devices_finish(struct worker *worker, const struct vm_devices *devices);

/* Of a row of `mediated`. */
void vm_devices_parse_target(struct worker *worker, const json_t *row, struct mdev_target *ret);

/* After QEMU's end. The mediated devices of the record are removed: all that can be, or -1; what was removed
 * leaves the record. Their parents are claimed. */
int vm_devices_remove_mediated(struct worker *worker, json_t *record, struct error *err);

/* The same, and the functions go back that are to; claims what it changes. All that can be, or -1: the record
 * then has what is left. */
int vm_devices_give_back(struct worker *worker, json_t *record, struct error *err);

#endif
