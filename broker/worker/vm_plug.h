/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A hostpciN that comes to a VM that runs, or leaves it.
 *
 * What comes is taken as for a start (broker/worker/vm_devices.h), is in the machine's record and order
 * before QEMU hears of it, and from then on no more claimed than what the VM was started with: whatever dies
 * after that, it is given back after the VM's end. A guest is asked to give a device up, and may not: then
 * the device stays with the VM, and in the record. */
#ifndef HOSTPCI_BROKER_WORKER_VM_PLUG_H
#define HOSTPCI_BROKER_WORKER_VM_PLUG_H

#include "base/text.h"
#include "broker/machine/machine.h"
#include "broker/worker/worker.h"

#define ARGUMENT_HOSTPCI                                                                                     \
    {.name = "key",                                                                                          \
     .type = SCHEMA_STRING,                                                                                  \
     .pattern = "hostpci(?:[0-9]|1[0-5])",                                                                   \
     .max_length = 9,                                                                                        \
     .text = "The key: hostpci2."}

/* The machine of the worker's argument vmid, whose QEMU must run. */
int vm_plug_find(struct worker *worker, struct machine *ret, struct error *err);

/* The path of its monitor. The caller frees. */
char *vm_plug_monitor(const struct worker *worker, const struct machine *machine);

/* Has the nodes and the limit of the order applied to the QEMU that runs, whose order this replaces. */
int vm_plug_settle(struct worker *worker, const struct machine *machine, const json_t *order,
                   struct error *err);

/* Has the guest give up a hostpciN of the record and gives back what it had; with `all` also functions
 * without `reattach`. -1 if the guest does not: then nothing is changed. What cannot go back stays in the
 * record, and the log says why. */
int vm_plug_remove(struct worker *worker, struct machine *machine, const char *key, bool all,
                   struct error *err);

/* Undoes a claim of a VM with the member `plug` (broker/worker/undo.h). */
int vm_plug_undo(struct worker *worker, const json_t *claim, struct text *where);

#endif
