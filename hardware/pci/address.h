/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The address of a PCI function: where it is, not what it is. When a card has been exchanged, another
 * function has the same address. */
#ifndef HOSTPCI_HARDWARE_PCI_ADDRESS_H
#define HOSTPCI_HARDWARE_PCI_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "hardware/paths.h"

/* Domains above ffff exist: Intel's VMD makes them from 10000 on. */
struct pci_address {
    uint32_t domain;
    uint8_t bus;
    uint8_t device;   /* 0 to 1f */
    uint8_t function; /* 0 to 7 */
};

#define PCI_ADDRESS_SIZE 20 /* "ffffffff:ff:1f.7" and the NUL */

/* Takes [DOMAIN:]BUS:DEVICE.FUNCTION in hexadecimal, the domain with 4 digits or more, 0000 when left out. */
bool pci_address_parse(const char *text, struct pci_address *ret);
void pci_address_format(struct pci_address address, char text[static PCI_ADDRESS_SIZE]);
int pci_address_compare(struct pci_address a, struct pci_address b);
bool pci_address_same_slot(struct pci_address a, struct pci_address b); /* all but the function */

/* The function's folder in sysfs, or a file in it if `file` is not NULL. */
struct host_path pci_path(struct pci_address address, const char *file);

#endif
