/* SPDX-License-Identifier: GPL-2.0-or-later */
/* NVIDIA's own interface for vGPUs, which replaces the kernel's mdev interface since Linux 6.8: a virtual
 * function is a vGPU. Its file nvidia/creatable_vgpu_types has "NUMBER : NAME" lines after a heading, and
 * nvidia/current_vgpu_type the number of the selected type, or 0. Source: "Virtual GPU Software User Guide"
 * of NVIDIA, "Creating a vGPU". */
#ifndef HOSTPCI_HARDWARE_SLICE_NVIDIA_H
#define HOSTPCI_HARDWARE_SLICE_NVIDIA_H

#include <jansson.h>

/* Appends the types that the function can become, sorted, in the form of mdev_list_types; none if it does not
 * have this interface. `function` is a descriptor of its folder. available is 1, or 0 if a type is already
 * selected. */
void nvidia_list_types(int function, json_t *list);

#endif
