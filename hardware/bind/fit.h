/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether a driver that somebody names may be bound to a function.
 *
 * driver_override bypasses a driver's table of ids, and a driver that is bound to a device which it does not
 * know may do anything to host and device; a module that is loaded stays, and may be any part of the kernel.
 * So a driver, loaded or not, must have an id that matches the function, unless it takes any function by
 * design and touches none: pci-stub and vfio-pci. Sources: Documentation/ABI/testing/sysfs-bus-pci,
 * modprobe.d(5). */
#ifndef HOSTPCI_HARDWARE_BIND_FIT_H
#define HOSTPCI_HARDWARE_BIND_FIT_H

#include <jansson.h>

#include "hardware/pci/inventory.h"

/* `bound` is the driver that the function has, which it may keep; "" if it has none. ERROR_FAILED says which
 * modules fit if the driver does not; it is also the error for a driver that is not loaded if there is no
 * module of its name (an alias is not one), or if the administrator has blacklisted it. Loads nothing. */
int fit_check(const struct sysroot *sysroot, struct pci_address address, const char *bound,
              const char *driver, struct error *err);

/* The names of the loaded drivers that have an id for it and that the kernel may choose by itself, so no VFIO
 * driver; a new reference. */
json_t *fit_list_drivers(const struct sysroot *sysroot, struct pci_address address);

#endif
