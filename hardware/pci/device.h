/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One function as JSON: in brief from the snapshot, or with everything that sysfs says about it at that
 * moment. */
#ifndef HOSTPCI_HARDWARE_PCI_DEVICE_H
#define HOSTPCI_HARDWARE_PCI_DEVICE_H

#include <jansson.h>

#include "hardware/pci/inventory.h"
#include "hardware/pci/names.h"

/* An entry of GET /nodes/{node}/hardware/pci: id, class, vendor, device, iommugroup (-1 for none), mdev and
 * nvidia (1, or left out). Unless `names` is NULL it also has subsystem_vendor, subsystem_device, the four
 * names, driver and physfn. No file of the function is read. */
json_t *device_summarize(const struct pci_device *device, struct names *names);

/* The properties of GET /nodes/{node}/hardware/pci/{id}/status: those of the entry above and all others that
 * are read from sysfs. The four names are left out if `names` is NULL. ERROR_NOT_FOUND "no PCI device found
 * for 'ID'" if the function is gone. */
int device_describe(const struct sysroot *sysroot, const struct inventory *inventory, struct names *names,
                    struct pci_address address, json_t **ret, struct error *err);

/* The same without driver_override and SR-IOV, whose files may not answer: the kernel holds the function's
 * lock while it unbinds the driver or creates or removes virtual functions, perhaps for ever, and a reader of
 * driver_override or sriov_numvfs waits for that lock, which no signal ends. Sources:
 * driver_override_show() in drivers/pci/pci-sysfs.c, sriov_numvfs_show() in drivers/pci/iov.c of the Linux
 * kernel. */
int device_describe_held(const struct sysroot *sysroot, const struct inventory *inventory,
                         struct names *names, struct pci_address address, json_t **ret, struct error *err);

#endif
