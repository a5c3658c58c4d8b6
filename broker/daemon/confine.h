/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the broker keeps of root's power: the capabilities in one table, each with its reason. */
#ifndef HOSTPCI_BROKER_DAEMON_CONFINE_H
#define HOSTPCI_BROKER_DAEMON_CONFINE_H

#include "base/error.h"

/* Gives up every other capability, for itself and for the programs that it starts (modprobe), and what a
 * set-uid program would give. Called once, before the first worker. Started by an ordinary user, who has
 * none, it only does the latter. */
int broker_confine(struct error *err);

#endif
