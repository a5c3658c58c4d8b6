/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Assigning and reserving in one step: how a VM that is being started gets its devices. */
#ifndef HOSTPCI_PASSTHROUGH_ASSIGN_CLAIM_H
#define HOSTPCI_PASSTHROUGH_ASSIGN_CLAIM_H

#include "passthrough/assign/assign.h"

/* Assigns the VM's devices and reserves them for this process, all or none. When another start reserves one
 * of them first, everything is read and assigned again, until each hostpciN has got an alternative or has
 * none left: then the error names the VM that has it. `availability` of `assign` is ignored. */
int claim_devices(const struct assign *assign, const struct reservations *reservations,
                  struct inventory_source *source, struct assignments *ret, struct error *err);

#endif
