/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Following a task: its log as it comes, until it ends. */
#ifndef HOSTPCI_CLIENT_SHELL_FOLLOW_H
#define HOSTPCI_CLIENT_SHELL_FOLLOW_H

#include "client/call/call.h"

/* Writes the task's log to standard output and gives the exit status that fits its end: SHELL_DONE, also with
 * warnings, or SHELL_FAILED. A daemon that is away meanwhile is waited for, half a minute long. Ctrl-C ends
 * only the following (SHELL_INTERRUPTED): it is said how to look at the task again, and how to stop it. */
int follow_task(const struct call_target *target, const char *upid);

#endif
