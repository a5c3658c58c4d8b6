/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The snapshot of all PCI functions of the host.
 *
 * An inventory is immutable and shared: inventory_retain adds a user, inventory_release gives it back and
 * frees the last. It holds what one reading of `modalias` and a few links tell; everything else is read when
 * asked (hardware/pci/device.h). Sources: Documentation/ABI/testing/sysfs-bus-pci of the Linux kernel. */
#ifndef HOSTPCI_HARDWARE_PCI_INVENTORY_H
#define HOSTPCI_HARDWARE_PCI_INVENTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "hardware/pci/address.h"
#include "hardware/sysfs.h"

struct pci_device {
    struct pci_address address;
    uint16_t vendor;
    uint16_t device;
    uint16_t subsystem_vendor; /* 0 with subsystem_device 0: it has none (bridges) */
    uint16_t subsystem_device;
    uint32_t class_code; /* base class, subclass, interface: 0x030000 is VGA (PCI Code and ID Assignment) */
    int group;           /* IOMMU group, -1: none */
    bool mdev;           /* can create mediated devices, by the kernel's mdev interface or NVIDIA's own */
    bool nvidia;         /* has NVIDIA's vendor interface in place of the kernel's mdev one */
    bool virtual_function;
    struct pci_address physical_function; /* of a virtual function */
    char driver[40];                      /* "" when no driver is bound; a longer name is cut */
};

struct inventory {
    const struct pci_device *devices; /* sorted by address */
    size_t count;
    bool has_iommu; /* the kernel made IOMMU groups */
    uint64_t generation;
};

/* Reads the host now. A device that vanishes or cannot be read while it is listed is left out; a host without
 * PCI has none. Of two snapshots the one with the higher generation began to be read later. */
int inventory_scan(const struct sysroot *sysroot, struct inventory **ret, struct error *err);
struct inventory *inventory_retain(struct inventory *inventory);
void inventory_release(struct inventory *inventory); /* takes NULL */
void cleanup_inventory(struct inventory **inventory);
#define autoinventory __attribute__((cleanup(cleanup_inventory)))

/* The function's folder, for hardware/sysfs.h: a descriptor that the caller closes, or a negative errno. */
int pci_open_folder(const struct sysroot *sysroot, struct pci_address address);

const struct pci_device *inventory_find(const struct inventory *inventory, struct pci_address address);

#endif
