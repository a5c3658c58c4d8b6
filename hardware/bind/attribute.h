/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A write to an attribute of a PCI function in sysfs, and what the kernel means when it refuses. */
#ifndef HOSTPCI_HARDWARE_BIND_ATTRIBUTE_H
#define HOSTPCI_HARDWARE_BIND_ATTRIBUTE_H

#include "hardware/pci/inventory.h"

/* What an errno means for one attribute, and what to do. A list ends with number 0. */
struct errno_meaning {
    int number;
    const char *text;
};

/* Fills err after something failed with errno `number` (positive): ERROR_NOT_FOUND if the function is gone;
 * else ERROR_FAILED, whose message says what was tried (the format: "read FILE", "write 'X' to FILE"), the
 * errno and what it means. `meanings` comes before what the errno means for all attributes; it may be NULL.
 */
int attribute_fail(const struct sysroot *sysroot, struct pci_address address, int number,
                   const struct errno_meaning *meanings, struct error *err, const char *format, ...)
    __attribute__((format(printf, 6, 7)));

/* Writes the value to `file`, a path from hardware/paths.h, or fails like that. The kernel may block for ever
 * (an unbind of a device that a VM holds), and a value that it accepts need not have an effect: read it
 * back. */
int attribute_write(const struct sysroot *sysroot, struct pci_address address, const char *file,
                    const char *value, const struct errno_meaning *meanings, struct error *err);

#endif
