/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What all steps on a PCI function share: the write, and what the kernel means when it says no. */
#ifndef HOSTPCI_HARDWARE_BIND_STEP_H
#define HOSTPCI_HARDWARE_BIND_STEP_H

#include "hardware/pci/inventory.h"

/* What an errno means at one file, and what to do; a list ends with number 0. */
struct step_meaning {
    int number;
    const char *text;
};

/* No folder of that name any more: unplugged, or removed. */
bool step_is_gone(const struct sysroot *sysroot, struct pci_address address);

/* ERROR_NOT_FOUND if the function is gone, else ERROR_FAILED that names what was done ("read FILE", "write
 * 'X' to FILE"), errno (positive) and what it means. `meanings` may be NULL. */
int step_fail(const struct sysroot *sysroot, struct pci_address address, int number,
              const struct step_meaning *meanings, struct error *err, const char *format, ...)
    __attribute__((format(printf, 6, 7)));

/* Writes a value into a file (from the sysroot, "sys/..."), or fails like that. */
int step_write(const struct sysroot *sysroot, struct pci_address address, const char *file, const char *value,
               const struct step_meaning *meanings, struct error *err);

#endif
