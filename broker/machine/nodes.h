/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The device nodes of the host, such as /dev/vfio/GROUP, that a VM's QEMU opens by their names. They are
 * root's, and belong to QEMU's user while it runs: `own` and `uid` of an order (broker/machine/supervisor.h).
 *
 * To take them back, only the order and the nodes themselves are needed, whoever gave them. Until
 * all are root's again the user must not become another VM's. */
#ifndef HOSTPCI_BROKER_MACHINE_NODES_H
#define HOSTPCI_BROKER_MACHINE_NODES_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"

/* Needs CAP_CHOWN, which the broker does not have. -1 if a node's owner cannot be changed, or is another
 * VM's user; the nodes before it are given. */
int nodes_give(const json_t *order, struct error *err);

/* Makes root the owner again of those that are the user's: of as many as possible, and -1 if one is left. A
 * node that is gone went with its device.
 */
int nodes_take_back(const json_t *order, struct error *err);

/* Waits, for some seconds, until nobody has one of the order's IOMMU groups open: vfio opens a group only
 * once, and keeps it open as long as a device of it is. A driver that is unbound before that waits in the
 * kernel, without an end. */
int nodes_wait_until_closed(const json_t *order, struct error *err);

/* Whether one is the user's. */
bool nodes_are_given(const json_t *order);

#endif
