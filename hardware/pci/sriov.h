/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SR-IOV: the virtual functions that a physical function can have and has. Source:
 * Documentation/ABI/testing/sysfs-bus-pci of the Linux kernel. */
#ifndef HOSTPCI_HARDWARE_PCI_SRIOV_H
#define HOSTPCI_HARDWARE_PCI_SRIOV_H

#include <jansson.h>

#include "hardware/pci/inventory.h"

/* Adds sriov {totalvfs, numvfs, offset, stride, vf-device, drivers-autoprobe, vf-total-msix} and virtfns
 * {virtfnN: id} to the object of a physical function, and nothing to that of another. `folder` is a
 * descriptor of its folder. */
void sriov_describe(int folder, json_t *object);

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
