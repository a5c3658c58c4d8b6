/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SR-IOV: the virtual functions that a physical function could have, and those that it has. Source:
 * Documentation/ABI/testing/sysfs-bus-pci of the Linux kernel. */
#ifndef HOSTPCI_HARDWARE_PCI_SRIOV_H
#define HOSTPCI_HARDWARE_PCI_SRIOV_H

#include <jansson.h>

#include "hardware/pci/inventory.h"

/* Adds sriov {totalvfs, numvfs, offset, stride, vf-device, drivers-autoprobe, vf-total-msix} and virtfns
 * {virtfnN: id} to the object of a physical function, and nothing to that of another. `folder` is a
 * descriptor of its folder. */
void sriov_describe(int folder, json_t *object);

/* What does not change while virtual functions come and go. The kernel answers it from memory: unlike
 * sriov_numvfs, whose reader waits for the function's lock. */
struct sriov {
    unsigned total, offset, stride;
    int device;     /* of its virtual functions; -1: not known */
    bool autoprobe; /* the kernel binds drivers to new virtual functions */
};

/* ERROR_NOT_FOUND if there is no such function, ERROR_FAILED if it can have no virtual functions. */
int sriov_read(const struct sysroot *sysroot, struct pci_address address, struct sriov *ret,
               struct error *err);

/* ERROR_INVALID for the parameter numvfs if it cannot have so many. */
int sriov_check_count(const struct sriov *sriov, struct pci_address address, long long count,
                      struct error *err);

/* Why a physical function with this driver ("": none) makes no virtual functions, and what to do; NULL if
 * nothing is known against it. numvfs_store() in drivers/pci/pci-sysfs.c wants a driver that has
 * sriov_configure; vfio-pci has one, which its option enable_sriov turns on. */
const char *sriov_explain_driver(const struct sysroot *sysroot, const char *driver);

/* The address of its n-th virtual function, whether that exists or not; false if none can have it. */
bool sriov_locate(const struct sriov *sriov, struct pci_address address, unsigned index,
                  struct pci_address *ret);

/* All that it can have: [{index, id, exists, group?, driver?}]; a new reference. */
json_t *sriov_list(const struct sriov *sriov, struct pci_address address, const struct inventory *inventory);

/* How many of its virtual functions are in the inventory. */
size_t sriov_count(const struct inventory *inventory, struct pci_address address);

/* A VF's place among those of its PF, whether it exists or not. */
struct sriov_slot {
    struct pci_address physical_function;
    unsigned index;           /* virtfnN */
    unsigned exist, possible; /* numvfs and totalvfs of the PF */
};

/* Finds the PF whose VF would be at this address: PF + offset + n * stride, as routing ids, which are bus,
 * device and function in 16 bits (PCI Express Base Specification, 9.2.1.2). PFs more than two buses before
 * the address are not looked at. */
bool sriov_find_slot(const struct sysroot *sysroot, const struct inventory *inventory, struct pci_address vf,
                     struct sriov_slot *ret);

#endif
