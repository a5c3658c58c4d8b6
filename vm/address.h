/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PCI addresses of a VM's devices in the guest.
 *
 * Guests, Windows above all, remember the addresses of their devices. So these are Proxmox's and must never
 * change: a VM that comes from there finds its devices where they were. */
#ifndef HOSTPCI_VM_ADDRESS_H
#define HOSTPCI_VM_ADDRESS_H

#include <stdbool.h>

struct vm_address {
    const char *bus; /* "pci.0" */
    unsigned slot;
};

/* The guest address of "net3", "balloon0", "hostpci4"; it must be a device of the table in address.c. A
 * hostpciN with pcie=1 is on a port instead, see vm/command/hostpci.c. */
struct vm_address vm_address_find(const char *id, bool q35);

/* The number of the bridge behind which a bus is: 2 for "pci.2", 0 if there is none. */
unsigned vm_address_bridge(const char *bus);

#endif
