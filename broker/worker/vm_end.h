/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The end of a VM's QEMU, and of all that it had. */
#ifndef HOSTPCI_BROKER_WORKER_VM_END_H
#define HOSTPCI_BROKER_WORKER_VM_END_H

#include "base/text.h"
#include "broker/machine/machine.h"
#include "broker/worker/worker.h"

#define VM_CLAIM_SIZE 32

/* "vm:100", which is claimed in the place of a function by what starts a VM or cleans up after it. */
void vm_claim_name(long long vmid, char ret[static VM_CLAIM_SIZE]);

/* The argument that all operations on a VM begin with. */
#define ARGUMENT_VMID                                                                                        \
    {.name = "vmid", .type = SCHEMA_INTEGER, .range = RANGE(100, 999999999), .text = "The VM."}
long long vm_id(const struct worker *worker);

/* Claims as worker_claim does; while another operation has one of them, waits for it, for 30 s at most. */
int vm_claim(struct worker *worker, const json_t *claims, struct error *err);

/* Waits for the end of QEMU and of its supervisor, for so many milliseconds at most. False if one still runs.
 */
bool vm_wait(struct worker *worker, const struct machine *machine, long long milliseconds);

/* Kills QEMU; -1 if the kernel does not end it. */
int vm_kill(struct worker *worker, const struct machine *machine, struct error *err);

/* After QEMU's end: logs how it ended, gives back what it had and removes the folder. -1 if not everything is
 * back: then the folder stays with what is left, for another try (broker/daemon/machines.h). */
int vm_clean_up(struct worker *worker, const struct machine *machine, struct error *err);

/* Undoes a claim of a machine (broker/worker/undo.h). */
int vm_undo(struct worker *worker, const json_t *claim, struct text *where);

#endif
