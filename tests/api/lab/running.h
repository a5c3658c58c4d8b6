/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VM 100 of the daemon, while it runs: its QEMU, past the API. */
#ifndef HOSTPCI_TESTS_API_LAB_RUNNING_H
#define HOSTPCI_TESTS_API_LAB_RUNNING_H

#include <jansson.h>
#include <sys/types.h>

/* QEMU's, as the broker knows it; 0 if the VM does not run. */
pid_t running_pid(void);

/* What QEMU returns to a command, which the caller frees. Takes `arguments`, which may be NULL. */
json_t *running_ask(const char *command, json_t *arguments);

/* How many functions with that device id the guest's buses have. */
unsigned running_count(unsigned device);

/* Waits until nothing of it is left in the broker. */
void running_ends(void);

#endif
