/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's bridges, to which VMs' network cards are connected. */
#ifndef HOSTPCI_HARDWARE_NETWORK_H
#define HOSTPCI_HARDWARE_NETWORK_H

#include <jansson.h>

#include "base/error.h"
#include "hardware/sysfs.h"

/* The size in bytes of the longest packet that the bridge can pass; 0 if there is no such interface. `name`
 * may be any text. Sources: Documentation/ABI/testing/sysfs-class-net and dev_valid_name() in net/core/dev.c
 * of the Linux kernel. */
unsigned bridge_mtu(const struct sysroot *sysroot, const char *name);

/* The host's bridges, sorted by name: [{iface, type: "bridge", active?: 1, exists: 1, method: "manual",
 * method6: "manual", priority, bridge_ports: "eth0 tap100i0"}], as in Proxmox VE's lists of networks;
 * `priority` is the place in the list. Empty if the host has no network. The caller drops. */
int bridge_list(const struct sysroot *sysroot, json_t **ret, struct error *err);

#endif
