/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a PCI expansion ROM holds: a chain of images, each for one kind of firmware. Pure: no file is read,
 * and no offset or length in the bytes is trusted before it is known to lie within them.
 *
 * An image begins with 55 aa; the word at 18h says where its PCI data structure ("PCIR") stands, which has
 * the ids of the device, the length in units of 512 bytes, the code type, and whether the image is the last
 * one. From revision 3 of the structure on it may name a list of further device ids. An image for a PC's BIOS
 * (code type 0) has its initialization size in the byte at 2, in the same units, and so many bytes add up to
 * 0. An image for UEFI (code type 3) has at 4 the signature f1 0e 00 00, then the subsystem, the machine that
 * its code is for, and whether it is compressed. Sources: PCI Firmware Specification 3.3, 5.1; UEFI
 * Specification 2.10, 14.4.2 (PCI option ROMs), table 14-13, and appendix B of its PE/COFF machine types; PCI
 * Local Bus 3.0, 6.2.5.2 (a ROM has 16 MiB at most). */
#ifndef HOSTPCI_HARDWARE_PCI_ROM_H
#define HOSTPCI_HARDWARE_PCI_ROM_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ROM_LIMIT   ((size_t)16 * 1024 * 1024)
#define ROM_IMAGES  16 /* that are parsed; a longer chain counts as incomplete */
#define ROM_DEVICES 32 /* ids of an image's list that are stored */

enum { ROM_CODE_BIOS = 0, ROM_CODE_UEFI = 3 };
enum { ROM_MACHINE_X64 = 0x8664 };

struct rom_image {
    size_t offset, length; /* in bytes, from the first image on; the length is what the image says */
    uint16_t vendor, device;
    uint16_t devices[ROM_DEVICES]; /* further ids */
    size_t device_count;
    uint32_t class_code;
    uint16_t revision; /* the vendor's, of the code */
    uint8_t code;      /* ROM_CODE_..., or another */
    bool last;
    bool summed, sum_right; /* it has a checksum; the checksum is right */
    bool efi;               /* it has UEFI's header, whose fields follow */
    uint16_t subsystem, machine, compression;
};

struct rom {
    size_t before; /* bytes before the first image: a header of the tool that saved it; 0 in a device */
    size_t size;   /* bytes of all images, as far as they are there */
    struct rom_image images[ROM_IMAGES];
    size_t count;  /* 0: this is not a ROM */
    bool complete; /* the last image was found, and all images are whole */
    char
        fault[128]; /* why not, "the image at 61952 is cut off: it has 65536 bytes, of which 512 are there" */
};

void rom_parse(const unsigned char *data, size_t length, struct rom *ret);

bool rom_has_bios(const struct rom *rom);
/* An image for UEFI, on any machine or (not 0) on that one. */
bool rom_has_uefi(const struct rom *rom, uint16_t machine);
/* "BIOS and UEFI", "UEFI", "BIOS" or "nothing". */
const char *rom_name_firmware(bool bios, bool uefi);
/* Whether one of the images is for the device. */
bool rom_fits(const struct rom *rom, uint16_t vendor, uint16_t device);
/* An image whose checksum is wrong; NULL if there is none. */
const struct rom_image *rom_find_damage(const struct rom *rom);

/* "10de:2484, 10de:2486": the ids that images are for, each once. The caller frees it. */
char *rom_list_ids(const struct rom *rom) __attribute__((returns_nonnull));

/* "x64" and the like, or the number: "0x1234". */
struct rom_word {
    char text[32];
};
struct rom_word rom_machine_name(uint16_t machine);

/* {size, before?, complete, fault?, bios, uefi, images: [{offset, length, code, type, vendor, device,
 * devices?, class, revision, last, checksum?, efi?: {machine, subsystem, compressed}}]}; a new reference. */
json_t *rom_describe(const struct rom *rom);

#endif
