/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `hostpci qm monitor` without a command: a prompt, whose lines are commands of QEMU's monitor. */
#ifndef HOSTPCI_CLIENT_SHELL_MONITOR_H
#define HOSTPCI_CLIENT_SHELL_MONITOR_H

#include "client/shell/shell.h"

/* Until the end of the input, or `quit` or `q`, which leave the VM alone. What the server refuses is said,
 * and the next line is read. Returns the exit status of the last command. */
int monitor_run(const struct options *options, const struct shell_call *call, const char *vmid);

#endif
