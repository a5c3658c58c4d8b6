/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where devices sit in the guest.
 *
 * Guests (Windows above all) remember the PCI addresses of their devices, so these are Proxmox's and never
 * change: a VM that was moved from there must find its devices where they were. */
#ifndef HOSTPCI_VM_ADDRESS_H
#define HOSTPCI_VM_ADDRESS_H

#include <stdbool.h>

struct vm_address {
    const char *bus; /* "pci.0" */
    unsigned slot;
};

/* The place of "net3", "balloon0", "hostpci4", ... ; asserts that there is one. What differs between the
 * machines is told by `q35`. PCI-Express ports are in vm/hostpci.h. */
struct vm_address vm_address_find(const char *id, bool q35);

/* The number of the bridge that a bus belongs to: 2 for "pci.2"; 0 if it needs none. */
unsigned vm_address_bridge(const char *bus);

#endif
