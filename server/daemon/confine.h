/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Gives up for good what the daemon does not need: all capabilities, what a set-uid program would give it,
 * and system calls that it has no use for, which fail with EPERM from then on. This is done before it answers
 * anybody, whoever started it. It affects the calling thread only, so it must be called before there are
 * others. */
#ifndef HOSTPCI_SERVER_DAEMON_CONFINE_H
#define HOSTPCI_SERVER_DAEMON_CONFINE_H

#include "base/error.h"

int confine_front(struct error *err);

/* Denies it to start programs, too. Those that it started before go on, as confined as it was then. */
int confine_programs(struct error *err);

#endif
