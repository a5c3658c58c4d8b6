/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IOMMU groups as JSON. Source: Documentation/ABI/testing/sysfs-kernel-iommu_groups of the Linux kernel. */
#ifndef HOSTPCI_HARDWARE_IOMMU_REPORT_H
#define HOSTPCI_HARDWARE_IOMMU_REPORT_H

#include <jansson.h>

#include "hardware/pci/inventory.h"

/* [{group, type, isolated, devices: [id], reserved: [{start, end, type}]}] for the groups that have PCI
 * functions, sorted by group. start and end are "0x..." texts. type and reserved are left out if the kernel
 * does not have them. */
int iommu_list_groups(const struct sysroot *sysroot, const struct inventory *inventory, json_t **ret,
                      struct error *err);

#endif
