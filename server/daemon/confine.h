/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Gives up for good what the daemon does not need: all capabilities, what a set-uid program would give it,
 * and system calls that it does not need, which fail with EPERM from then on. To be called before the daemon
 * answers any request, whoever started it, and before there are other threads, since it affects only the
 * calling one. */
#ifndef HOSTPCI_SERVER_DAEMON_CONFINE_H
#define HOSTPCI_SERVER_DAEMON_CONFINE_H

#include "base/error.h"

int confine_front(struct error *err);

/* Forbids it to start programs, too. Those that it started before go on, as confined as it was then. */
int confine_programs(struct error *err);

#endif
