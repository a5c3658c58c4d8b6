/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which kernel modules could drive a device: those that have an alias, a shell pattern, that its modalias
 * fits. Sources: modules.dep(5), depmod(8). */
#ifndef HOSTPCI_HARDWARE_MODULE_H
#define HOSTPCI_HARDWARE_MODULE_H

#include <jansson.h>

#include "hardware/sysfs.h"

/* The modules of the running kernel, in the order of lib/modules/RELEASE/modules.alias, each once; empty if
 * that cannot be read. `modalias` is what the device's file of that name holds ("pci:v000010DEd00002484...").
 */
json_t *module_list_for(const struct sysroot *sysroot, const char *modalias);

#endif
