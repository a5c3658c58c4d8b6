/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The helper: a process that the broker forks before it confines itself, where no systemd manages the host,
 * or where the broker works on another host's files, whose VMs run here all the same.
 * It runs programs of broker/program.h for workers, and nothing else: an order names a row of that table and
 * an argument that is checked here once more (broker/worker/unit.h). It ends when the broker and its last
 * worker have. */
#ifndef HOSTPCI_BROKER_DAEMON_HELPER_H
#define HOSTPCI_BROKER_DAEMON_HELPER_H

#include "base/error.h"
#include "hardware/sysfs.h"

/* *ret is the socket to it, which workers inherit; -1 if none is needed: systemd runs the programs. To be
 * called before anything else is open. */
int helper_start(const struct sysroot *sysroot, int *ret, struct error *err);

#endif
