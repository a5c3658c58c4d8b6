/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SR-IOV: the virtual functions that a physical function can have and has. Source:
 * Documentation/ABI/testing/sysfs-bus-pci of the Linux kernel. */
#ifndef HOSTPCI_HARDWARE_PCI_SRIOV_H
#define HOSTPCI_HARDWARE_PCI_SRIOV_H

#include <jansson.h>

/* Adds sriov {totalvfs, numvfs, offset, stride, vf-device, drivers-autoprobe, vf-total-msix} and virtfns
 * {virtfnN: id} to the object of a physical function, and nothing to that of another. `folder` is a
 * descriptor of its folder. */
void sriov_describe(int folder, json_t *object);

#endif
