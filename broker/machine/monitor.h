/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The supervisor's monitor of its QEMU, which never waits. It sends `quit` when the guest has powered itself
 * off, since QEMU, which has -no-shutdown, would stay; and it keeps the file `state` of the machine's folder
 * (broker/machine/machine.h), so that nobody needs to ask QEMU for it. */
#ifndef HOSTPCI_BROKER_MACHINE_MONITOR_H
#define HOSTPCI_BROKER_MACHINE_MONITOR_H

struct monitor;

/* Takes the socket; `folder` must outlive it. */
struct monitor *monitor_new(int socket, const char *folder);
void monitor_free(struct monitor *monitor); /* takes NULL */

/* -1 once QEMU has closed it, or sent something that is too long for QMP. */
int monitor_descriptor(const struct monitor *monitor);

/* Reads what is there. */
void monitor_read(struct monitor *monitor);

#endif
