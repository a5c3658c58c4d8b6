/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IOMMU groups as sets of functions: their members, and which of these are detached when one of them is
 * passed through.
 *
 * VFIO gives a group to a VM only if each member is bound to a vfio driver, to none, or to one that does no
 * DMA of its own (pci-stub, and pcieport, the driver of bridges). Sources: Documentation/driver-api/vfio.rst,
 * "Groups, Devices, and IOMMUs"; driver_managed_dma in include/linux/pci.h of the Linux kernel. */
#ifndef HOSTPCI_HARDWARE_IOMMU_GROUP_H
#define HOSTPCI_HARDWARE_IOMMU_GROUP_H

#include "hardware/pci/inventory.h"

struct groups;

/* The members of one group, sorted by address. */
struct members {
    const struct pci_device *const *list;
    size_t count;
};

struct groups *groups_sort(const struct inventory *inventory); /* which must outlive the groups */
void groups_free(struct groups *groups);                       /* takes NULL */
void cleanup_groups(struct groups **groups);
#define autogroups __attribute__((cleanup(cleanup_groups)))

size_t groups_count(const struct groups *groups); /* of those that have PCI functions */
struct members groups_at(const struct groups *groups, size_t index);
struct members groups_find(const struct groups *groups, int group); /* no members for -1 */

/* Bridges aside, all members are functions of one card. */
bool group_is_isolated(struct members members);

/* Passing `device` through detaches `member`, which is `device` itself or another member of its group, from
 * the driver that it has now. NVIDIA's driver stays bound to a virtual function with NVIDIA's own interface:
 * it is what gives that to a VM. */
bool group_detaches(const struct pci_device *device, const struct pci_device *member);

#endif
