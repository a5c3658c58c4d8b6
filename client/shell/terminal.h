/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `hostpci qm terminal`: a VM's serial port on this terminal, until Ctrl-O or the end of the input. The
 * terminal is as before afterwards. */
#ifndef HOSTPCI_CLIENT_SHELL_TERMINAL_H
#define HOSTPCI_CLIENT_SHELL_TERMINAL_H

#include "client/shell/shell.h"

/* `call` asks for the ticket; `vm` is the VM's path. Returns the exit status: SHELL_FAILED, too, if the
 * other side closed it. */
int terminal_run(const struct options *options, const struct shell_call *call, const char *vm);

#endif
