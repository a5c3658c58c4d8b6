/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mediated devices: the types that a function can create, and the instances that exist. Source:
 * Documentation/driver-api/vfio-mediated-device.rst of the Linux kernel. NVIDIA's own interface, which takes
 * the place of the kernel's, is in hardware/slice/nvidia.h. */
#ifndef HOSTPCI_HARDWARE_SLICE_MDEV_H
#define HOSTPCI_HARDWARE_SLICE_MDEV_H

#include <jansson.h>

#include "hardware/pci/inventory.h"

/* [{type, name?, available, description}] sorted by type; empty if the function is absent or can create none.
 * The types of NVIDIA's own interface are called nvidia-NUMBER. */
int mdev_list_types(const struct sysroot *sysroot, struct pci_address parent, json_t **ret,
                    struct error *err);

/* [{uuid, parent, type}] sorted by uuid. */
int mdev_list_instances(const struct sysroot *sysroot, json_t **ret, struct error *err);

#endif
