/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Telling the service manager whether we are ready. */
#ifndef HOSTPCI_BASE_NOTIFY_H
#define HOSTPCI_BASE_NOTIFY_H

/* Sends "READY=1" or "STOPPING=1" in a datagram to $NOTIFY_SOCKET, as sd_notify(3) describes it for programs
 * without libsystemd, which would cost us a megabyte of memory. Does nothing without that variable. */
void notify_manager(const char *state);

#endif
