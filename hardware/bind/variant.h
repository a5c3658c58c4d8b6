/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which VFIO driver a function gets for a VM. One that is made for it, a variant driver such as
 * mlx5_vfio_pci, can do more than vfio-pci, such as moving the device's state to another host;
 * hardware/module.h finds it. vfio-pci takes any function. */
#ifndef HOSTPCI_HARDWARE_BIND_VARIANT_H
#define HOSTPCI_HARDWARE_BIND_VARIANT_H

#include "base/text.h"
#include "hardware/bind/driver.h"

#define VFIO_PLAIN "vfio-pci"

/* True: `driver` gets the variant driver's name, which is loaded or may be loaded; whether it starts the
 * function only its probe can tell. False: it gets VFIO_PLAIN, and `reason`, if there is a variant driver
 * nevertheless, why it is not that one. Loads nothing. */
bool variant_choose(const struct sysroot *sysroot, struct pci_address address,
                    char driver[static DRIVER_NAME_SIZE], struct text *reason);

#endif
