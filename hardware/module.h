/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which kernel modules could drive a device: those with an alias, which is a shell pattern, that matches its
 * modalias. Sources: modules.dep(5), depmod(8). */
#ifndef HOSTPCI_HARDWARE_MODULE_H
#define HOSTPCI_HARDWARE_MODULE_H

#include <jansson.h>

#include "hardware/sysfs.h"

/* The matching modules of the running kernel, each once, in the order of lib/modules/RELEASE/modules.alias;
 * none if that cannot be read. `modalias` is the content of the device's file of that name, without its
 * newline ("pci:v000010DEd00002484..."). */
json_t *module_list_for(const struct sysroot *sysroot, const char *modalias);

#endif
