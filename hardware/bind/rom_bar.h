/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The expansion ROM of a PCI function, through the file `rom` of sysfs. For the broker's workers; what was
 * switched on is switched off again by the undo of the claim (broker/worker/rom.h).
 *
 * Reading `rom` fails with EINVAL until something is written to it, and again after "0\n" is: exactly these
 * two bytes, since "0" alone switches it on, too. While it is on, each read enables the ROM's BAR, and
 * disables it when it is done; the function may answer at its other BARs less well meanwhile, since they may
 * share an address decoder (PCI Local Bus 3.0, 6.2.5.2). The function must decode memory and be awake, else
 * each byte reads as ff and the kernel says EIO: a function without a driver may be disabled, and one that is
 * with vfio-pci and not in use sleeps in D3hot. Sources: pci_write_rom(), pci_read_rom(), enable_store() in
 * drivers/pci/pci-sysfs.c, pci_map_rom() in drivers/pci/rom.c of the Linux kernel;
 * Documentation/ABI/testing/sysfs-devices-power. */
#ifndef HOSTPCI_HARDWARE_BIND_ROM_BAR_H
#define HOSTPCI_HARDWARE_BIND_ROM_BAR_H

#include "hardware/pci/inventory.h"

struct rom_bar {
    bool shadow;       /* it is the copy that the firmware left in main memory */
    bool decodes;      /* memory: bit 1 of the command register */
    bool may_sleep;    /* power/control is "auto" */
    long long enabled; /* how often somebody enabled the function; -1: the kernel does not say */
};

/* ERROR_FAILED if the function has no ROM. */
int rom_bar_read_state(const struct sysroot *sysroot, struct pci_address address, struct rom_bar *ret,
                       struct error *err);

/* Keeps the function awake, or lets it sleep when it is idle. */
int rom_bar_allow_sleep(const struct sysroot *sysroot, struct pci_address address, bool allow,
                        struct error *err);
/* Enables the function, which has no driver, or undoes that. */
int rom_bar_enable_function(const struct sysroot *sysroot, struct pci_address address, bool enable,
                            struct error *err);
/* Switches the ROM on or off, which is checked. */
int rom_bar_switch(const struct sysroot *sysroot, struct pci_address address, bool on, struct error *err);

/* Reads what is there, at most ROM_LIMIT bytes, which the caller frees. */
int rom_bar_read(const struct sysroot *sysroot, struct pci_address address, unsigned char **ret,
                 size_t *ret_length, struct error *err);

#endif
