/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernel modules: which ones exist, and which could drive a device: those with an alias, which is a shell
 * pattern, that matches its modalias. Sources: modules.dep(5), depmod(8), Documentation/kbuild/kbuild.rst of
 * the Linux kernel (modules.builtin.modinfo). */
#ifndef HOSTPCI_HARDWARE_MODULE_H
#define HOSTPCI_HARDWARE_MODULE_H

#include <jansson.h>
#include <stdbool.h>

#include "hardware/sysfs.h"

#define MODULE_NAME_SIZE 64

/* The matching modules of the running kernel, each once, in the order of lib/modules/RELEASE/modules.alias;
 * none if that cannot be read. `modalias` is the content of the device's file of that name, without its
 * newline ("pci:v000010DEd00002484..."). */
json_t *module_list_for(const struct sysroot *sysroot, const char *modalias);

/* The module of the VFIO variant driver that is made for the device, such as mlx5_vfio_pci; its driver has
 * the same name. It is the one whose alias "vfio_pci:v000015B3d0000101Esv*sd*bc*sc*i*", of the same parts as
 * a modalias, has the fewest wildcards among those that match. False, and "", if only vfio-pci itself fits.
 * The kernel only binds such a driver through driver_override. Source: PCI_DRIVER_OVERRIDE_DEVICE_VFIO() in
 * include/linux/pci.h and do_pci_entry() in scripts/mod/file2alias.c of Linux 5.16. */
bool module_find_variant(const struct sysroot *sysroot, const char *modalias,
                         char name[static MODULE_NAME_SIZE]);

/* Whether the running kernel has a module of that name to load; an alias is no name. */
bool module_is_available(const struct sysroot *sysroot, const char *module);

/* Whether the text of a modules.dep or modules.builtin has a module of that name. */
bool module_is_listed(const char *text, const char *module);

/* Whether both name the same module: '-' and '_' are the same in these names. */
bool module_name_equal(const char *a, const char *b);

#endif
