/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which capabilities the broker keeps: they are in one table, each with its reason. If it is started by hand
 * it gives up the same capabilities and kinds of system calls that its unit takes away;
 * broker/daemon/mounts.h does the same for the files and devices of the host. */
#ifndef HOSTPCI_BROKER_DAEMON_CONFINE_H
#define HOSTPCI_BROKER_DAEMON_CONFINE_H

#include "base/error.h"

/* Gives up every other capability, for the broker and for the programs that it starts (modprobe), what a
 * set-uid program would give, and what base/denial.h lists. Called once, before the first worker. A broker of
 * an ordinary user has no capability to keep and only does the latter. */
int broker_confine(struct error *err);

#endif
