/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Resetting a PCI function by one of the kernel's methods at a time. Whatever writes is for the broker's
 * workers.
 *
 * `reset_method` lists the methods that the kernel would try, in order; writing one name makes it the only
 * one, writing "default" brings all back. Writing 1 to `reset` resets the function, which need not have a
 * driver. Source: Documentation/ABI/testing/sysfs-bus-pci of the Linux kernel (reset since 2.6, reset_method
 * since 5.15: on an older kernel only `reset` is there, and its method is called "kernel"). */
#ifndef HOSTPCI_HARDWARE_BIND_RESET_H
#define HOSTPCI_HARDWARE_BIND_RESET_H

#include "hardware/pci/inventory.h"

#define RESET_METHODS     8
#define RESET_METHOD_SIZE 32

struct reset_methods {
    char name[RESET_METHODS][RESET_METHOD_SIZE];
    size_t count; /* 0: this function cannot be reset by the kernel */
};

int reset_read_methods(const struct sysroot *sysroot, struct pci_address address, struct reset_methods *ret,
                       struct error *err);
/* From the words that reset_method held, and back to them; the caller frees the text. */
int reset_parse_methods(const char *words, struct reset_methods *ret, struct error *err);
char *reset_join_methods(const struct reset_methods *methods) __attribute__((returns_nonnull));
bool reset_methods_equal(const struct reset_methods *a, const struct reset_methods *b);

/* Makes `methods` the ones that the kernel tries, and reads that back. They must be one of those that the
 * function has, or all that it had before. */
int reset_choose(const struct sysroot *sysroot, struct pci_address address,
                 const struct reset_methods *methods, struct error *err);
/* Resets the function and checks that it still answers: that its configuration space is not all ones. */
int reset_run(const struct sysroot *sysroot, struct pci_address address, struct error *err);

#endif
