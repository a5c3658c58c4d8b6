/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bridges, to which the network cards of VMs are connected. */
#ifndef HOSTPCI_HARDWARE_NETWORK_H
#define HOSTPCI_HARDWARE_NETWORK_H

#include "hardware/sysfs.h"

/* The longest packet in bytes that the bridge takes; 0 if there is no such interface. `name` comes from a
 * configuration: one that cannot be an interface's is none. Source: Documentation/ABI/testing/sysfs-class-net
 * and dev_valid_name() in net/core/dev.c of the Linux kernel. */
unsigned bridge_mtu(const struct sysroot *sysroot, const char *name);

#endif
