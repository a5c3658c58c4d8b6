/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The driver of a PCI function: which one is bound, and the writes to sysfs that change that. These are for
 * the broker's workers. Each reads back what it did, because success says little: a write to drivers_probe
 * succeeds and binds nothing if driver_override names a driver that is not loaded or refuses the function.
 *
 * Sources: Documentation/ABI/testing/sysfs-bus-pci (driver_override, drivers_probe, unbind) of the Linux
 * kernel. new_id is never used: the driver would take every other device with the same ids, too.
 *
 * The kernel holds the device's lock while it unbinds. Reading driver_override needs that lock, and so does
 * uevent in some kernels. While an unbind blocks (vfio-pci waits for the VM that holds the device), a reader
 * of these files hangs, and no signal ends that, although the `driver` link is gone already. */
#ifndef HOSTPCI_HARDWARE_BIND_DRIVER_H
#define HOSTPCI_HARDWARE_BIND_DRIVER_H

#include <jansson.h>

#include "hardware/pci/inventory.h"

#define DRIVER_NAME_SIZE 64

struct driver_state {
    uint16_t vendor, device;         /* to notice when another card is in the slot */
    char driver[DRIVER_NAME_SIZE];   /* "" when none is bound */
    char override[DRIVER_NAME_SIZE]; /* driver_override, "" when not set */
};

bool driver_name_is_valid(const char *name); /* letters, digits, '-', '_'; at most DRIVER_NAME_SIZE - 1 */

/* ERROR_NOT_FOUND "no PCI device found for 'ID'" if the function is gone; ERROR_BUSY while somebody else
 * binds or unbinds it. It may block, see above. */
int driver_read_state(const struct sysroot *sysroot, struct pci_address address, struct driver_state *ret,
                      struct error *err);

/* The name of the bound driver alone, "" for none. Never blocks. ERROR_NOT_FOUND if the function is gone. */
int driver_read_name(const struct sysroot *sysroot, struct pci_address address,
                     char name[static DRIVER_NAME_SIZE], struct error *err);

/* Each of these writes, reads back, and fails with an error that names the file, the value, the kernel's
 * errno, what it means here and what to do. ERROR_NOT_FOUND if the function is gone. */
int driver_set_override(const struct sysroot *sysroot, struct pci_address address, const char *name,
                        struct error *err); /* "" clears it */
int driver_unbind(const struct sysroot *sysroot, struct pci_address address, const char *driver,
                  struct error *err);
/* Asks the kernel to bind a driver; `driver` gets the one that is bound afterwards. An error unless that is
 * `expected`; if that is NULL, any driver will do, or none. */
int driver_probe(const struct sysroot *sysroot, struct pci_address address, const char *expected,
                 char driver[static DRIVER_NAME_SIZE], struct error *err);

/* Whether the kernel binds a driver to this function only if driver_override names it: a virtual function
 * whose physical one has sriov_drivers_autoprobe 0 (pci_device_can_probe() in drivers/pci/pci-driver.c). */
bool driver_is_withheld(const struct sysroot *sysroot, struct pci_address address);

/* Whether the kernel has a driver of that name. */
bool driver_is_loaded(const struct sysroot *sysroot, const char *name);
/* Loads the module of that name, which is no alias, with modprobe; hardware/bind/fit.h says whether it may
 * be. If --sysroot is not / it always fails, with an error that says the module is missing. */
int driver_load(const struct sysroot *sysroot, const char *name, struct error *err);
/* Loads the modules whose aliases match the function, except those that are loaded already or blacklisted,
 * as udev does at boot. Returns [{module, error}] of those that it tried to load, with the error "" for
 * success; a new reference. */
json_t *driver_load_matching(const struct sysroot *sysroot, struct pci_address address);

#endif
