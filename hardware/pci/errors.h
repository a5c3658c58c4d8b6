/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PCI Express errors that the kernel has counted since the function appeared (Advanced Error Reporting).
 * Source: Documentation/ABI/testing/sysfs-bus-pci-devices-aer_stats of the Linux kernel, since 4.19. */
#ifndef HOSTPCI_HARDWARE_PCI_ERRORS_H
#define HOSTPCI_HARDWARE_PCI_ERRORS_H

#include <jansson.h>

/* Adds errors [{severity: fatal, nonfatal or correctable, name, count}], the worst severity first: those that
 * have happened, so the list is empty where none has. It is left out where the kernel does not count: the
 * function has no AER, or the firmware handles its errors. `folder` is a descriptor of the function's folder.
 */
void errors_describe(int folder, json_t *object);

#endif
