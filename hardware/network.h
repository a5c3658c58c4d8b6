/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's bridges, to which VMs' network cards are connected. */
#ifndef HOSTPCI_HARDWARE_NETWORK_H
#define HOSTPCI_HARDWARE_NETWORK_H

#include "hardware/sysfs.h"

/* The size in bytes of the longest packet that the bridge can pass; 0 if there is no such interface. `name`
 * may be any text. Sources: Documentation/ABI/testing/sysfs-class-net and dev_valid_name() in net/core/dev.c
 * of the Linux kernel. */
unsigned bridge_mtu(const struct sysroot *sysroot, const char *name);

#endif
