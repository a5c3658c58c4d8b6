/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a VM's `machine` and `cpu` can be set to with a QEMU, in the form of Proxmox VE's lists. The caller
 * drops what is returned. */
#ifndef HOSTPCI_VM_COMMAND_CHOICES_H
#define HOSTPCI_VM_COMMAND_CHOICES_H

#include <jansson.h>

#include "vm/probe/features.h"

/* [{id: "pc-q35-7.2", type: "q35" or "i440fx", version: "7.2"}], the newest first. */
json_t *vm_choices_machines(const struct vm_features *qemu);

/* [{name, vendor, custom: 0}], sorted by name. The vendor is what the guest sees, "default" for the host's.
 */
json_t *vm_choices_cpus(const struct vm_features *qemu);

/* [{name, description}] */
json_t *vm_choices_cpu_flags(void);

#endif
