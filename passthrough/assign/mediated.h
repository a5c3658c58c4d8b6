/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The mediated devices of this host as clients see them: what the kernel has, what mdevctl's files keep, who
 * reserved each and who has it open. Functions that are vGPUs by NVIDIA's own interface are among them. */
#ifndef HOSTPCI_PASSTHROUGH_ASSIGN_MEDIATED_H
#define HOSTPCI_PASSTHROUGH_ASSIGN_MEDIATED_H

#include "broker/call.h"
#include "hardware/pci/watch.h"
#include "passthrough/assign/reservation.h"

/* [{id, uuid, parent, type, state, persistent, vmid, holder, error}]: `id` is the UUID, or of a vGPU its PCI
 * id; `state` is active, defined (it has a file only) or leftover (it was made for a VM that does not run,
 * and nobody has it). The others are left out where there is nothing to say, or no broker that could. */
int mediated_list(const struct reservations *reservations, struct inventory_source *inventory,
                  const struct broker *broker, json_t **ret, struct error *err);

/* The parent of the one with this UUID, that exists or has a file; ERROR_NOT_FOUND if none does. */
int mediated_find_parent(const struct sysroot *sysroot, struct inventory_source *inventory, const char *uuid,
                         char parent[static PCI_ADDRESS_SIZE], struct error *err);

#endif
