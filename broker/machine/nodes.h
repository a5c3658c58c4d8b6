/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The device nodes of the host, such as /dev/vfio/GROUP, that a VM's QEMU opens by their names. They are
 * root's, and belong to QEMU's user while it runs: `own` and `uid` of an order (broker/machine/supervisor.h).
 *
 * The way back does not depend on who gave them: it is known from the order and the nodes themselves. Until
 * all are root's again the user must not become another VM's. */
#ifndef HOSTPCI_BROKER_MACHINE_NODES_H
#define HOSTPCI_BROKER_MACHINE_NODES_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"

/* Needs CAP_CHOWN, which the broker has not. -1 if one stays whose it was, or is another
 * user's; what comes before it is given. */
int nodes_give(const json_t *order, struct error *err);

/* Makes those that are the user's root's again: all that can be, or -1. One that is gone went with its
 * device.
 */
int nodes_take_back(const json_t *order, struct error *err);

/* Whether one is the user's. */
bool nodes_are_given(const json_t *order);

#endif
