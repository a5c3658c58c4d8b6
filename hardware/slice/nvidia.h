/* SPDX-License-Identifier: GPL-2.0-or-later */
/* NVIDIA's vendor interface for vGPUs, in place of the kernel's mdev one since kernel 6.8: one virtual
 * function is one vGPU. nvidia/creatable_vgpu_types has "ID : name" lines after a heading,
 * nvidia/current_vgpu_type the number of the selected type, 0 for none. Source: "Virtual GPU Software User
 * Guide" of NVIDIA, "Creating a vGPU". */
#ifndef HOSTPCI_HARDWARE_SLICE_NVIDIA_H
#define HOSTPCI_HARDWARE_SLICE_NVIDIA_H

#include <jansson.h>

/* Appends the types that the function can become, sorted, as mdev_list_types shows them; nothing without the
 * interface. `function` is the function's folder. available is 1, or 0 when a type is selected already. */
void nvidia_list_types(int function, json_t *list);

#endif
