/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether a function may be put into D3cold, in which it has no power at all and from which some devices do
 * not wake up. The kernel's default is yes; a card sleeps only if each of its functions may. For the broker's
 * workers. Source: Documentation/ABI/testing/sysfs-bus-pci (d3cold_allowed) of the Linux kernel. */
#ifndef HOSTPCI_HARDWARE_BIND_D3COLD_H
#define HOSTPCI_HARDWARE_BIND_D3COLD_H

#include <stdbool.h>

#include "hardware/pci/inventory.h"

/* ERROR_FAILED if the kernel has no power management; ERROR_NOT_FOUND if the function is gone. */
int d3cold_read(const struct sysroot *sysroot, struct pci_address address, bool *ret, struct error *err);
/* A function that has no power is woken up first, which can take its driver a while. Reads back. */
int d3cold_allow(const struct sysroot *sysroot, struct pci_address address, bool allow, struct error *err);

#endif
