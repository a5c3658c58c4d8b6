/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One device as JSON: in brief from the snapshot, or whole, with everything that sysfs tells of it when
 * asked. */
#ifndef HOSTPCI_HARDWARE_PCI_DEVICE_H
#define HOSTPCI_HARDWARE_PCI_DEVICE_H

#include <jansson.h>

#include "hardware/pci/inventory.h"
#include "hardware/pci/names.h"

/* An entry of GET /nodes/{node}/hardware/pci: id, class, vendor, device, iommugroup (-1: none), mdev and
 * nvidia (1, or left out); with names also subsystem_vendor, subsystem_device, the four names, driver and
 * physfn. `names` may be NULL. No file is read. */
json_t *device_summarize(const struct pci_device *device, struct names *names);

/* The fields of GET /nodes/{node}/hardware/pci/{id}/status: the entry above and all else that the host tells.
 * Without `names` the four names are left out. ERROR_NOT_FOUND "no PCI device found for 'ID'" if it is gone.
 */
int device_describe(const struct sysroot *sysroot, const struct inventory *inventory, struct names *names,
                    struct pci_address address, json_t **ret, struct error *err);

/* The same without what may not answer: while the kernel takes a function from its driver, or makes or
 * removes its virtual functions, it holds the function's lock, perhaps for ever, and who reads
 * driver_override or sriov_numvfs waits for that too, in a way that no signal ends. Sources:
 * driver_override_show() in drivers/pci/pci-sysfs.c, sriov_numvfs_show() in drivers/pci/iov.c of the Linux
 * kernel. */
int device_describe_held(const struct sysroot *sysroot, const struct inventory *inventory,
                         struct names *names, struct pci_address address, json_t **ret, struct error *err);

#endif
