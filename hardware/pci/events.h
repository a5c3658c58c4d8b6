/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The socket on which the kernel reports what happens to PCI functions: the netlink socket of uevents. */
#ifndef HOSTPCI_HARDWARE_PCI_EVENTS_H
#define HOSTPCI_HARDWARE_PCI_EVENTS_H

#include "hardware/pci/uevent_text.h"

/* A descriptor that does not block, or a negative errno. Each socket gets every event. */
int pci_events_open(void);

/* Receives all pending events and calls each(context, event) for those about PCI functions. Some may be of
 * kind PCI_EVENT_OTHER. True if the kernel had to drop events (ENOBUFS). */
bool pci_events_take(int socket, void (*each)(void *context, const struct pci_event *event), void *context);

#endif
