/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The images in a ROM of a PCI device. */
#include "passthrough/preflight/rom.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/memory.h"

#define MOST_IMAGES 32
#define UNIT        512 /* bytes that lengths count */

/* An image begins with 55 aa, at 18 is where its PCI data structure stands; there "PCIR", at 10 the length,
 * at 14 the code type, at 15 whether it is the last one (numbers in hexadecimal, low byte first). */
enum { POINTER = 0x18, HEADER = 0x1a, LENGTH = 0x10, CODE = 0x14, INDICATOR = 0x15, DATA = 0x16 };

/* Reads the image at this offset. Returns its length, or 0 if there is none or it is the last one. */
static off_t read_image(int file, off_t at, struct rom_images *images)
{
    unsigned char header[HEADER], data[DATA];

    if (pread(file, header, sizeof(header), at) != HEADER || header[0] != 0x55 || header[1] != 0xaa)
        return 0;
    if (pread(file, data, sizeof(data), at + header[POINTER] + 256 * header[POINTER + 1]) != DATA ||
        memcmp(data, "PCIR", 4) != 0)
        return 0;
    images->any = true;
    images->bios = images->bios || data[CODE] == 0;
    images->uefi = images->uefi || data[CODE] == 3;
    return (data[INDICATOR] & 0x80) != 0 ? 0 : UNIT * (off_t)(data[LENGTH] + 256 * data[LENGTH + 1]);
}

int rom_read_images(const char *path, struct rom_images *ret)
{
    autoclose int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct rom_images images = {0};
    off_t at = 0, length;

    if (file < 0)
        return -errno;
    for (unsigned i = 0; i < MOST_IMAGES && (length = read_image(file, at, &images)) > 0; i++)
        at += length;
    *ret = images;
    return 0;
}
