/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Devices of the host that a VM gets beside its hostpciN: USB devices and serial ports, whose nodes its QEMU
 * opens by their names. */
#ifndef HOSTPCI_BROKER_WORKER_VM_NODES_H
#define HOSTPCI_BROKER_WORKER_VM_NODES_H

#include <jansson.h>

#include "broker/worker/worker.h"

/* Adds the nodes that the configuration in the worker's arguments names to `own` of the order
 * (broker/machine/nodes.h). A USB device that is not plugged in now is left out, as QEMU does without it.
 * What is no serial port is refused: the daemon, which names it, must not get at another device of the host.
 */
int vm_nodes_add(const struct worker *worker, json_t *order, struct error *err);

#endif
