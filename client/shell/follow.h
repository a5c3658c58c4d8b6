/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Follows a task: prints its log as it grows, until it ends. */
#ifndef HOSTPCI_CLIENT_SHELL_FOLLOW_H
#define HOSTPCI_CLIENT_SHELL_FOLLOW_H

#include <stdbool.h>
#include <stdio.h>

#include "client/call/call.h"

/* Prints the log to `out`. Returns SHELL_DONE if the task succeeded, perhaps with warnings, and SHELL_FAILED
 * if not. If the daemon does not answer, as while it restarts, it is tried again for half a minute. After
 * Ctrl-C (SHELL_INTERRUPTED) the task goes on, and standard error says how to see its log again, and how to
 * stop it. *ret_ended: whether the task's end was seen. */
int follow_task(const struct call_target *target, const char *upid, FILE *out, bool *ret_ended);

#endif
