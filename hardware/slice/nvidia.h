/* SPDX-License-Identifier: GPL-2.0-or-later */
/* NVIDIA's own interface for vGPUs, which replaces the kernel's mdev interface since Linux 6.8: a virtual
 * function is a vGPU. Its file nvidia/creatable_vgpu_types has "NUMBER : NAME" lines after a heading, and
 * nvidia/current_vgpu_type the number of the selected type, or 0. Source: "Virtual GPU Software User Guide"
 * of NVIDIA, "Creating a vGPU". */
#ifndef HOSTPCI_HARDWARE_SLICE_NVIDIA_H
#define HOSTPCI_HARDWARE_SLICE_NVIDIA_H

#include <jansson.h>

#include "hardware/pci/inventory.h"

#define NVIDIA_TYPE_SIZE 32

/* Appends the types that the function can become, sorted, in the form of mdev_list_types; none if it does not
 * have this interface. `function` is a descriptor of its folder. available is 1, or 0 if a type is already
 * selected. */
void nvidia_list_types(int function, json_t *list);

/* MiB of memory of a vGPU of a type of that name, which ends with them: "NVIDIA L40S-12Q" has 12 GiB. 0 if it
 * does not say, as of a vGPU that has a part of the card's processors, too. */
long long nvidia_parse_memory(const char *name);

/* Whether two functions with this interface belong to one card, whose memory their vGPUs share. */
bool nvidia_share_card(const struct pci_device *function, const struct pci_device *other);

/* The type that the function has, "nvidia-NUMBER", "" if it is not a vGPU. A negative errno if that cannot be
 * read. */
int nvidia_read_type(const struct sysroot *sysroot, struct pci_address function,
                     char type[static NVIDIA_TYPE_SIZE]);

/* Makes the function a vGPU of the type, or ("") no longer a vGPU, and reads back. For the
 * broker's workers. The driver refuses another type as long as one is selected. */
int nvidia_select_type(const struct sysroot *sysroot, struct pci_address function, const char *type,
                       struct error *err);

#endif
