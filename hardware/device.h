/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One device as JSON: in brief from the snapshot, or whole, with everything that sysfs tells of it when
 * asked. */
#ifndef HOSTPCI_HARDWARE_DEVICE_H
#define HOSTPCI_HARDWARE_DEVICE_H

#include <jansson.h>

#include "hardware/names.h"
#include "hardware/pci.h"

/* An entry of GET /nodes/{node}/hardware/pci: id, class, vendor, device, iommugroup (-1: none), mdev and
 * nvidia (1, or left out); with names also subsystem_vendor, subsystem_device, the four names, driver and
 * physfn. `names` may be NULL. No file is read. */
json_t *device_summarize(const struct pci_device *device, struct names *names);

/* The fields of GET /nodes/{node}/hardware/pci/{id}/status: the entry above and all else that the host tells.
 * ERROR_NOT_FOUND "no PCI device found for 'ID'" if it is gone. */
int device_describe(const struct sysroot *sysroot, const struct inventory *inventory, struct names *names,
                    struct pci_address address, json_t **ret, struct error *err);

#endif
