/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The images in a ROM of a PCI device. Source: PCI Firmware Specification 3.3, 5.1. */
#ifndef HOSTPCI_PASSTHROUGH_PREFLIGHT_ROM_H
#define HOSTPCI_PASSTHROUGH_PREFLIGHT_ROM_H

#include <stdbool.h>

struct rom_images {
    bool any;
    bool bios; /* code type 0: for a PC's BIOS */
    bool uefi; /* code type 3 */
};

/* -errno if the file cannot be read. */
int rom_read_images(const char *path, struct rom_images *ret);

#endif
