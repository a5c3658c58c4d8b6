/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes expansion ROMs for tests (hardware/pci/rom.h is what reads them). */
#ifndef HOSTPCI_TESTS_ROM_H
#define HOSTPCI_TESTS_ROM_H

#include <stddef.h>
#include <stdint.h>

struct rom_part {
    uint8_t code; /* 0: for a BIOS, with a right checksum; 3: for UEFI */
    uint16_t vendor, device;
    uint16_t machine;          /* of an image for UEFI; 0: x64 */
    const uint16_t *devices;   /* a list of further ids, up to 0; NULL: none */
    unsigned units;            /* length in units of 512 bytes; 0: one */
    unsigned char compression; /* of an image for UEFI */
};

#define ROM_ROOM 16384

/* Writes these images one after the other, the last one marked as such, and returns their size. */
size_t rom_make(const struct rom_part *parts, size_t count, unsigned char rom[static ROM_ROOM]);

/* The images that "03" names, all of this device. */
size_t rom_make_types(const char *types, uint16_t vendor, uint16_t device,
                      unsigned char rom[static ROM_ROOM]);

/* Makes an image of the BIOS add up to 0 again. */
void rom_fix_sum(unsigned char *image);

#endif
