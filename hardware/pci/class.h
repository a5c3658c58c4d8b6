/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kinds of functions, by their class code (PCI Code and ID Assignment Specification), and of drivers, by
 * their names. */
#ifndef HOSTPCI_HARDWARE_PCI_CLASS_H
#define HOSTPCI_HARDWARE_PCI_CLASS_H

#include "hardware/pci/inventory.h"

bool pci_is_bridge(const struct pci_device *device);    /* base class 06, any kind */
bool pci_is_switching(const struct pci_device *device); /* PCI-to-PCI: has a bus behind it (0604, 0609) */
bool pci_is_display(const struct pci_device *device);   /* base class 03 */
bool pci_is_vga(const struct pci_device *device);       /* 0300 */
bool pci_is_memory(const struct pci_device *device);    /* base class 05, a memory controller */

/* Written to driver_override it matches no driver, so that the function stays without one. */
#define DRIVER_NOBODY "none"

/* vfio-pci, or a variant driver such as mlx5_vfio_pci. */
bool driver_is_vfio(const char *driver);

#endif
