/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The driver of a PCI function: who has it, and the single steps that move it. The steps change the host and
 * are for the broker's workers; each reads back what it did, because the kernel's word is not enough:
 * drivers_probe says ok and nothing is bound when driver_override names a driver that is not there or does
 * not want the function.
 *
 * Sources: Documentation/ABI/testing/sysfs-bus-pci (driver_override, drivers_probe, unbind) of the Linux
 * kernel. new_id is never used: it would give the driver each other device with the same ids, too.
 *
 * The kernel holds the device's lock while it unbinds, and reading driver_override wants that lock, and
 * uevent in some kernels: while an unbind blocks (vfio-pci waits for the VM that holds the device) the files
 * do not answer, in a way that no signal ends, though the `driver` link is gone already. */
#ifndef HOSTPCI_HARDWARE_BIND_DRIVER_H
#define HOSTPCI_HARDWARE_BIND_DRIVER_H

#include <jansson.h>

#include "hardware/pci/inventory.h"

#define DRIVER_NAME_SIZE 64

struct driver_state {
    uint16_t vendor, device;         /* who was there: another card in the slot is not the same function */
    char driver[DRIVER_NAME_SIZE];   /* "" when none is bound */
    char override[DRIVER_NAME_SIZE]; /* driver_override, "" when not set */
};

bool driver_name_is_valid(const char *name); /* letters, digits, '-', '_'; at most DRIVER_NAME_SIZE - 1 */

/* ERROR_NOT_FOUND "no PCI device found for 'ID'" if the function is gone; ERROR_BUSY while somebody else
 * binds or unbinds it. May block, see above. */
int driver_read_state(const struct sysroot *sysroot, struct pci_address address, struct driver_state *ret,
                      struct error *err);

/* Only the bound driver's name, "" for none; never blocks. ERROR_NOT_FOUND if the function is gone. */
int driver_read_name(const struct sysroot *sysroot, struct pci_address address,
                     char name[static DRIVER_NAME_SIZE], struct error *err);

/* Each step: the write, the read back, and an error that names the file, the value, the kernel's errno and
 * what it means here and what to do. ERROR_NOT_FOUND if the function is gone. */
int driver_set_override(const struct sysroot *sysroot, struct pci_address address, const char *name,
                        struct error *err); /* "" clears it */
int driver_unbind(const struct sysroot *sysroot, struct pci_address address, const char *driver,
                  struct error *err);
/* Asks the kernel to find a driver; `driver` is who has it then. `expected` NULL: whichever, also none. */
int driver_probe(const struct sysroot *sysroot, struct pci_address address, const char *expected,
                 char driver[static DRIVER_NAME_SIZE], struct error *err);

/* Whether the driver is there (sys/bus/pci/drivers/NAME). */
bool driver_is_loaded(const struct sysroot *sysroot, const char *name);
/* Loads the module of that name with modprobe; on a sysroot other than / only says that it is missing. */
int driver_load(const struct sysroot *sysroot, const char *name, struct error *err);
/* Loads each module whose alias fits the function and that is not there yet, but for blacklisted ones, as
 * udev does at boot. Returns [{module, error}] of those tried, error "" if it worked; a new reference. */
json_t *driver_load_fitting(const struct sysroot *sysroot, struct pci_address address);

#endif
