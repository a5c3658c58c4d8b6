/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of vendors, devices and subsystems, from usr/share/misc/pci.ids below the sysroot, or else from the
 * file that libpci would read by itself. Thread-safe.
 *
 * The file is loaded once, and again after it has changed, which is noticed within NAMES_CHECK_MS. If it
 * cannot be loaded the names stay as they are. libpci would end the process at an error in the file; here
 * such a name is missing. */
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

/* If there is no file there are no names, which is not an error. */
int names_open(const struct sysroot *sysroot, struct names **ret, struct error *err);
void names_close(struct names *names); /* takes NULL */
void names_look_up(struct names *names, const struct pci_device *device, struct pci_names *ret);

/* Changes when the names do. */
uint64_t names_generation(struct names *names);

#endif
