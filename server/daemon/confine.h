/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the front gives up for good before it answers anybody, whoever started it: capabilities, what a
 * set-uid program would give, and the system calls that it has no use for, which from then on fail with
 * EPERM. Other threads are not reached: it is called before there are any. */
#ifndef HOSTPCI_SERVER_DAEMON_CONFINE_H
#define HOSTPCI_SERVER_DAEMON_CONFINE_H

#include "base/error.h"

int confine_front(struct error *err);

/* Then, when what it needs of other programs runs (which stays as confined as that), starting any more. */
int confine_programs(struct error *err);

#endif
