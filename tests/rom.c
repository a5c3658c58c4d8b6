/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes expansion ROMs for tests. */
#include "tests/rom.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNIT      512
#define STRUCTURE 0x1c
#define LIST      0x40

static void put_word(unsigned char *at, unsigned number)
{
    at[0] = number & 0xff;
    at[1] = number >> 8 & 0xff;
}

void rom_fix_sum(unsigned char *image)
{
    size_t size = (size_t)image[2] * UNIT;
    unsigned sum = 0;

    for (size_t i = 0; i < size - 1; i++)
        sum += image[i];
    image[size - 1] = (unsigned char)(0x100 - (sum & 0xff));
}

static void put_devices(unsigned char *image, const uint16_t *devices)
{
    unsigned char *at = image + STRUCTURE + LIST;

    image[STRUCTURE + 0x0c] = 3;
    put_word(image + STRUCTURE + 0x08, LIST);
    for (; *devices != 0; devices++, at += 2)
        put_word(at, *devices);
}

static void make_part(const struct rom_part *part, unsigned units, bool last, unsigned char *image)
{
    unsigned char *structure = image + STRUCTURE;

    put_word(image, 0xaa55);
    put_word(image + 0x18, STRUCTURE);
    memcpy(structure, (const char[]){'P', 'C', 'I', 'R'}, 4);
    put_word(structure + 0x04, part->vendor);
    put_word(structure + 0x06, part->device);
    put_word(structure + 0x0a, 0x1c);
    structure[0x0f] = 3; /* a display */
    put_word(structure + 0x10, units);
    structure[0x14] = part->code;
    structure[0x15] = last ? 0x80 : 0;
    if (part->devices != NULL)
        put_devices(image, part->devices);
    if (part->code == 0) {
        image[2] = (unsigned char)units;
        rom_fix_sum(image);
    } else if (part->code == 3) {
        put_word(image + 2, units);
        put_word(image + 4, 0x0ef1);
        put_word(image + 8, 11);
        put_word(image + 0x0a, part->machine != 0 ? part->machine : 0x8664);
        image[0x0c] = part->compression;
    }
}

size_t rom_make(const struct rom_part *parts, size_t count, unsigned char rom[static ROM_ROOM])
{
    size_t size = 0;

    memset(rom, 0, ROM_ROOM);
    for (size_t i = 0; i < count; i++) {
        unsigned units = parts[i].units != 0 ? parts[i].units : 1;
        if (size + (size_t)units * UNIT > ROM_ROOM) {
            fputs("there is no room for such a ROM\n", stderr);
            abort();
        }
        make_part(&parts[i], units, i == count - 1, rom + size);
        size += (size_t)units * UNIT;
    }
    return size;
}

size_t rom_make_types(const char *types, uint16_t vendor, uint16_t device, unsigned char rom[static ROM_ROOM])
{
    struct rom_part parts[ROM_ROOM / UNIT];
    size_t count = strlen(types);

    for (size_t i = 0; i < count; i++)
        parts[i] = (struct rom_part){.code = (uint8_t)(types[i] - '0'), .vendor = vendor, .device = device};
    return rom_make(parts, count, rom);
}
