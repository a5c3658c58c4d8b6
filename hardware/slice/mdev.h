/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mediated devices: the types that a function can create, and the instances that exist. Source:
 * Documentation/driver-api/vfio-mediated-device.rst of the Linux kernel. NVIDIA's own interface, which takes
 * the place of the kernel's, is in hardware/slice/nvidia.h. */
#ifndef HOSTPCI_HARDWARE_SLICE_MDEV_H
#define HOSTPCI_HARDWARE_SLICE_MDEV_H

#include <jansson.h>
#include <stdbool.h>

#include "base/hash.h"
#include "hardware/pci/inventory.h"

#define MDEV_TYPE_SIZE 256 /* of a type's name with its NUL: as of any file */

/* [{type, name?, available, description}] sorted by type; empty if the function is absent or can create none.
 * The types of NVIDIA's own interface are called nvidia-NUMBER. */
int mdev_list_types(const struct sysroot *sysroot, struct pci_address parent, json_t **ret,
                    struct error *err);

/* "8-4-4-4-12" hexadecimal digits: copied to `ret` in lower case, as the kernel writes it. */
bool mdev_parse_uuid(const char *text, char ret[static UUID_SIZE]);

/* Whether a type, and so a folder below mdev_supported_types, can have this name. */
bool mdev_type_is_valid(const char *name);

struct mdev_place {
    char parent[PCI_ADDRESS_SIZE]; /* "": it is not a PCI function */
    char type[MDEV_TYPE_SIZE];
};

/* Where the mediated device of that UUID is: 0, or a negative errno; -ENOENT if there is none. */
int mdev_read_place(const struct sysroot *sysroot, const char *uuid, struct mdev_place *ret);

/* The mediated devices that exist and whose parents are PCI functions: [{uuid, parent, type}] sorted by uuid,
 * and after them the virtual functions that are vGPUs through NVIDIA's own interface, which have no uuid:
 * [{parent, type}] sorted by parent. */
int mdev_list_instances(const struct sysroot *sysroot, const struct inventory *inventory, json_t **ret,
                        struct error *err);

#endif
