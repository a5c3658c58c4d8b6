/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the host does with its PCI functions: who would lose what if one were taken away.
 *
 * One scan reads the host-wide lists (block devices and what is stacked and mounted on them, network
 * interfaces with addresses, routes, bridges and bonds, displays and their clients, USB, sound, vfio users)
 * and gives each use to the function that its device hangs on; asking about a function then costs nothing.
 * Nothing is ever changed. */
#ifndef HOSTPCI_HARDWARE_USE_USE_H
#define HOSTPCI_HARDWARE_USE_USE_H

#include <jansson.h>

#include "hardware/pci/inventory.h"

enum use_weight {
    USE_NONE,   /* nothing is known to use it */
    USE_IDLE,   /* there is a device, nobody uses it: a disk that is not mounted, an interface that is down */
    USE_ACTIVE, /* taking it away takes something from the host */
    USE_CRITICAL, /* it holds the root file system: never to be taken */
};

struct host_uses;

/* What cannot be read is left out and named in host_uses_unreadable. `inventory` must outlive the usage. */
int host_uses_scan(const struct sysroot *sysroot, const struct inventory *inventory, struct host_uses **ret,
                   struct error *err);
void host_uses_free(struct host_uses *usage); /* takes NULL */
void cleanup_host_uses(struct host_uses **usage);
#define autohostuses __attribute__((cleanup(cleanup_host_uses)))

enum use_weight host_uses_weigh(const struct host_uses *usage, struct pci_address address);

/* [{kind, name, weight: idle|active|critical, message, evidence}] of one function, a new reference; kind is
 * block, network, display, usb, sriov, sound or vfio, or other; evidence names the file and what it held. */
json_t *host_uses_list(const struct host_uses *usage, struct pci_address address);

/* [{file, reason}]: what could not be read, and why (root needed, hidden by lockdown, ...). Borrowed. */
const json_t *host_uses_unreadable(const struct host_uses *usage);

#endif
