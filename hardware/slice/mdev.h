/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mediated devices: the types that a function can create and the instances there are.
 * Sources: Documentation/driver-api/vfio-mediated-device.rst of the Linux kernel; NVIDIA's vendor interface
 * (since kernel 6.8 a virtual function has nvidia/creatable_vgpu_types, "ID : name" lines after a heading,
 * and nvidia/current_vgpu_type, "0" when none is selected). */
#ifndef HOSTPCI_HARDWARE_SLICE_MDEV_H
#define HOSTPCI_HARDWARE_SLICE_MDEV_H

#include <jansson.h>

#include "hardware/pci/inventory.h"

/* [{type, name?, available, description}] sorted by type; empty if the function is absent or creates none.
 * NVIDIA's vendor types are called nvidia-<number>. */
int mdev_list_types(const struct sysroot *sysroot, struct pci_address parent, json_t **ret,
                    struct error *err);

/* [{uuid, parent, type}] sorted by uuid. */
int mdev_list_instances(const struct sysroot *sysroot, json_t **ret, struct error *err);

#endif
