/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The order by which a VM's QEMU is started (broker/machine/supervisor.h): its arguments, and the files that
 * it is handed open. */
#ifndef HOSTPCI_BROKER_WORKER_VM_ORDER_H
#define HOSTPCI_BROKER_WORKER_VM_ORDER_H

#include <stdbool.h>

#include "broker/machine/machine.h"
#include "broker/worker/worker.h"

/* Makes the order of the VM that the worker's arguments describe (broker/worker/vm_start.c); the caller
 * drops. */
int vm_order_make(struct worker *worker, const struct machine *machine, json_t **ret, struct error *err);

/* The folder of the broker's in which a volume must lie: the store's, or a --volume-dir. ERROR_FORBIDDEN if
 * it lies in none. */
int vm_order_find_folder(const struct worker *worker, const char *path, bool in_store, const char **ret,
                         struct error *err);

#endif
