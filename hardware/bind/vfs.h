/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many virtual functions a physical function has, and whether the kernel binds drivers to new ones: the
 * files sriov_numvfs and sriov_drivers_autoprobe. These are for the broker's workers.
 *
 * The kernel takes a count only through the physical function's driver, and from one count to another only
 * through 0. It makes and removes virtual functions while the write lasts; removing one that a VM holds
 * blocks until the VM lets it go. Reading the count needs the function's lock, as a write does. Sources:
 * drivers/pci/iov.c of the Linux kernel, Documentation/ABI/testing/sysfs-bus-pci. */
#ifndef HOSTPCI_HARDWARE_BIND_VFS_H
#define HOSTPCI_HARDWARE_BIND_VFS_H

#include "hardware/pci/inventory.h"

struct vfs_state {
    unsigned count;
    bool autoprobe;
};

int vfs_read(const struct sysroot *sysroot, struct pci_address address, struct vfs_state *ret,
             struct error *err);

/* Each writes and reads back. An error names the file, the value and the kernel's errno, what it means here
 * and what to do; ERROR_NOT_FOUND if the physical function is gone. `driver` is the one that it has. */
int vfs_set_count(const struct sysroot *sysroot, struct pci_address address, const char *driver,
                  unsigned count, struct error *err);
int vfs_set_autoprobe(const struct sysroot *sysroot, struct pci_address address, bool autoprobe,
                      struct error *err);

/* Waits, three seconds at most, until exactly `count` virtual functions are there, each with its link from
 * and to the physical function and, if that is in an IOMMU group, in a group of its own. */
int vfs_wait(const struct sysroot *sysroot, struct pci_address address, unsigned count, struct error *err);

/* The virtual function of that index; ERROR_FAILED if it does not exist. */
int vfs_find(const struct sysroot *sysroot, struct pci_address address, unsigned index,
             struct pci_address *ret, struct error *err);

#endif
