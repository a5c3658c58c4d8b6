/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of vendors, devices and subsystems, by libpci's id lookup: sysroot's usr/share/misc/pci.ids, else the
 * one that libpci uses by itself. Loaded once, again when the file changes, which is noticed within
 * NAMES_CHECK_MS; a file that cannot be loaded leaves the names as they were. libpci ends the process by its
 * error callback unless that never returns: here it jumps back, and the name is missing. Thread-safe. */
#ifndef HOSTPCI_HARDWARE_PCI_NAMES_H
#define HOSTPCI_HARDWARE_PCI_NAMES_H

#include "hardware/pci/inventory.h"

#define NAME_SIZE      256
#define NAMES_CHECK_MS 100

struct pci_names { /* "" where pci.ids has none */
    char vendor[NAME_SIZE];
    char device[NAME_SIZE];
    char subsystem_vendor[NAME_SIZE];
    char subsystem_device[NAME_SIZE];
};

struct names;

/* Never fails for want of the file: then there are no names. */
int names_open(const struct sysroot *sysroot, struct names **ret, struct error *err);
void names_close(struct names *names); /* takes NULL */
void names_look_up(struct names *names, const struct pci_device *device, struct pci_names *ret);

/* Changes when the file does. */
uint64_t names_generation(struct names *names);

#endif
