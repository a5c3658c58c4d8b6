/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernel modules: which there are, and which could drive a device: those with an alias, which is a shell
 * pattern, that matches its modalias. Sources: modules.dep(5), depmod(8), Documentation/kbuild/kbuild.rst of
 * the Linux kernel (modules.builtin.modinfo). */
#ifndef HOSTPCI_HARDWARE_MODULE_H
#define HOSTPCI_HARDWARE_MODULE_H

#include <jansson.h>
#include <stdbool.h>

#include "hardware/sysfs.h"

/* The matching modules of the running kernel, each once, in the order of lib/modules/RELEASE/modules.alias;
 * none if that cannot be read. `modalias` is the content of the device's file of that name, without its
 * newline ("pci:v000010DEd00002484..."). */
json_t *module_list_for(const struct sysroot *sysroot, const char *modalias);

/* Whether the running kernel has a module of that name to load; an alias is no name. */
bool module_is_available(const struct sysroot *sysroot, const char *module);

/* Whether the text of a modules.dep or modules.builtin has a module of that name. */
bool module_is_listed(const char *text, const char *module);

/* Whether both name the same module: '-' and '_' are the same in these names. */
bool module_name_equal(const char *a, const char *b);

#endif
