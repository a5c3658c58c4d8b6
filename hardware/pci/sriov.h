/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SR-IOV: what a physical function can have and has. Source: Documentation/ABI/testing/sysfs-bus-pci of the
 * Linux kernel. */
#ifndef HOSTPCI_HARDWARE_PCI_SRIOV_H
#define HOSTPCI_HARDWARE_PCI_SRIOV_H

#include <jansson.h>

/* Adds sriov {totalvfs, numvfs, offset, stride, vf-device, drivers-autoprobe} and virtfns {virtfnN: id} to a
 * physical function's object; nothing to another's. `folder` is the function's. */
void sriov_describe(int folder, json_t *object);

#endif
