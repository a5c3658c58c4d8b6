/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tells the service manager how far we are. */
#ifndef HOSTPCI_BASE_NOTIFY_H
#define HOSTPCI_BASE_NOTIFY_H

/* "READY=1", "STOPPING=1": one datagram to $NOTIFY_SOCKET, as sd_notify(3) describes it for programs without
 * libsystemd, which would map a megabyte of libraries for it. Does nothing where nobody listens. */
void notify_manager(const char *state);

#endif
