/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The snapshot of all PCI functions of the host.
 *
 * An inventory never changes and is shared: inventory_retain adds a user, and the release by the last one
 * frees it. It contains what `modalias` and a few links say; everything else is read when it is needed
 * (hardware/pci/device.h). Source: Documentation/ABI/testing/sysfs-bus-pci of the Linux kernel. */
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
    uint16_t subsystem_vendor; /* 0, and subsystem_device too, if it has none, as bridges do */
    uint16_t subsystem_device;
    uint32_t class_code; /* base class, subclass and interface, a byte each: hardware/pci/class.h */
    int group;           /* IOMMU group, -1: none */
    bool mdev;           /* it can create mediated devices, by the kernel's interface or NVIDIA's own */
    bool nvidia;         /* the interface is NVIDIA's own */
    bool on_root_bus;    /* no bridge is above it */
    bool virtual_function;
    struct pci_address physical_function; /* of a virtual function */
    char driver[40];                      /* "" when no driver is bound; a longer name is cut */
};

struct inventory {
    const struct pci_device *devices; /* sorted by address */
    size_t count;
    bool has_iommu; /* some function is in an IOMMU group */
    size_t skipped; /* functions whose modalias could not be read or understood, and which are left out */
    struct pci_address first_skipped;
    uint64_t generation;
};

/* Reads the host now. A function that vanishes in the meantime or cannot be read is left out; a host without
 * PCI has none. Of two snapshots, the one whose reading began later has the higher generation. */
int inventory_scan(const struct sysroot *sysroot, struct inventory **ret, struct error *err);
struct inventory *inventory_retain(struct inventory *inventory);
void inventory_release(struct inventory *inventory); /* takes NULL */
void cleanup_inventory(struct inventory **inventory);
#define autoinventory __attribute__((cleanup(cleanup_inventory)))

/* The function's folder, for hardware/sysfs.h: a descriptor that the caller closes, or a negative errno. */
int pci_open_folder(const struct sysroot *sysroot, struct pci_address address);

/* Whether the function was unplugged or removed. */
bool pci_is_gone(const struct sysroot *sysroot, struct pci_address address);

const struct pci_device *inventory_find(const struct inventory *inventory, struct pci_address address);

#endif
