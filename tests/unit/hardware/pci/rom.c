/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Expansion ROMs: whole ones, and those that are damaged or lie about themselves. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "hardware/pci/rom.h"
#include "tests/rom.h"
#include "tests/unit/hardware/fixture.h"

#define GPU       0x10de, 0x2484
#define STRUCTURE 0x1c

static unsigned char data[ROM_ROOM];
static struct rom rom;

static void parse_types(const char *types)
{
    rom_parse(data, rom_make_types(types, GPU, data), &rom);
}

static void expect_fault(size_t length, const char *fault)
{
    rom_parse(data, length, &rom);
    cr_expect_not(rom.complete, "%s", fault);
    cr_expect_str_eq(rom.fault, fault);
}

Test(rom, of_a_graphics_card_has_an_image_for_each_firmware)
{
    parse_types("03");
    expect_json(
        rom_describe(&rom),
        "{'size': 1024, 'complete': 1, 'bios': 1, 'uefi': 1, 'images': ["
        "{'offset': 0, 'length': 512, 'code': 0, 'type': 'bios', 'vendor': '0x10de', 'device': '0x2484',"
        " 'class': '0x030000', 'revision': 0, 'last': 0, 'checksum': 'right'},"
        "{'offset': 512, 'length': 512, 'code': 3, 'type': 'uefi', 'vendor': '0x10de',"
        " 'device': '0x2484', 'class': '0x030000', 'revision': 0, 'last': 1,"
        " 'efi': {'machine': 'x64', 'subsystem': 'boot-service-driver', 'compressed': 0}}]}");
    cr_expect(rom_fits(&rom, GPU));
    cr_expect_not(rom_fits(&rom, 0x10de, 0x2485));
    cr_expect_not(rom_fits(&rom, 0x1002, 0x2484));
}

Test(rom, for_one_firmware_alone)
{
    parse_types("0");
    cr_expect(rom_has_bios(&rom) && !rom_has_uefi(&rom, 0));
    parse_types("3");
    cr_expect(!rom_has_bios(&rom) && rom_has_uefi(&rom, ROM_MACHINE_X64));
    parse_types("12");
    cr_expect(!rom_has_bios(&rom) && !rom_has_uefi(&rom, 0));
    cr_expect(rom.complete, "which is a ROM all the same");
}

Test(rom, for_uefi_is_for_a_machine)
{
    const struct rom_part part = {
        .code = 3, .vendor = 0x1af4, .device = 1, .machine = 0xaa64, .compression = 1};

    rom_parse(data, rom_make(&part, 1, data), &rom);
    cr_expect(rom_has_uefi(&rom, 0) && !rom_has_uefi(&rom, ROM_MACHINE_X64));
    cr_expect_str_eq(rom_machine_name(rom.images[0].machine).text, "aarch64");
    cr_expect_eq(rom.images[0].compression, 1);
    cr_expect_str_eq(rom_machine_name(0x1234).text, "0x1234");
}

/* EFI images were once marked by their code type alone, and firmware does not start them. */
Test(rom, without_the_signature_is_not_for_uefi)
{
    size_t length = rom_make_types("3", GPU, data);

    data[4] = 0;
    rom_parse(data, length, &rom);
    cr_expect_not(rom_has_uefi(&rom, 0));
    cr_expect_eq(rom.images[0].code, 3);
}

Test(rom, may_be_for_several_devices)
{
    static const uint16_t devices[] = {0x2486, 0x2487, 0};
    const struct rom_part part = {.code = 0, .vendor = 0x10de, .device = 0x2484, .devices = devices};
    size_t length = rom_make(&part, 1, data);

    rom_parse(data, length, &rom);
    cr_expect(rom_fits(&rom, 0x10de, 0x2484) && rom_fits(&rom, 0x10de, 0x2487));
    cr_expect_not(rom_fits(&rom, 0x10de, 0x2488));
    autofree char *ids = rom_list_ids(&rom);
    cr_expect_str_eq(ids, "10de:2484, 10de:2486, 10de:2487");

    data[STRUCTURE + 0x0c] = 0; /* an older structure has something else there */
    rom_fix_sum(data);
    rom_parse(data, length, &rom);
    cr_expect_eq(rom.images[0].device_count, 0);
}

Test(rom, of_a_bios_adds_up_to_zero)
{
    size_t length = rom_make_types("0", GPU, data);

    data[100] ^= 1;
    rom_parse(data, length, &rom);
    cr_expect_eq(rom_find_damage(&rom), &rom.images[0]);
    data[100] ^= 1;
    rom_parse(data, length, &rom);
    cr_expect_null(rom_find_damage(&rom));
    data[2] = 0; /* it does not say what adds up */
    rom_parse(data, length, &rom);
    cr_expect_null(rom_find_damage(&rom));
    cr_expect_not(rom.images[0].summed);
}

/* nvflash puts a header of its own before the ROM. */
Test(rom, may_follow_a_header_in_a_file)
{
    unsigned char file[3 * 512 + ROM_ROOM] = "NVGI";
    size_t length = rom_make_types("03", GPU, data);

    memcpy(file + 3 * 512, data, length);
    rom_parse(file, 3 * 512 + length, &rom);
    cr_expect_eq(rom.before, 3 * 512);
    cr_expect(rom.complete && rom.count == 2 && rom.size == length);
}

Test(rom, may_be_followed_by_anything)
{
    size_t length = rom_make_types("0", GPU, data);

    memset(data + length, 0xff, ROM_ROOM - length);
    rom_parse(data, ROM_ROOM, &rom);
    cr_expect(rom.complete);
    cr_expect_eq(rom.size, 512);
}

Test(rom, that_is_none)
{
    expect_fault(0, "no image begins at 0");
    memset(data, 0xff, sizeof(data));
    expect_fault(sizeof(data), "no image begins at 0");
    cr_expect_eq(rom.count, 0);
    data[0] = 0x55;
    data[1] = 0xaa;
    expect_fault(0x19, "no image begins at 0");
    expect_fault(sizeof(data), "no image begins at 0");
    rom_make_types("0", GPU, data);
    expect_fault(STRUCTURE + 0x17, "no image begins at 0");
}

Test(rom, that_is_damaged)
{
    size_t length = rom_make_types("003", GPU, data);

    expect_fault(length - 512, "it ends at 1024, and that image is not the last one");
    cr_expect_eq(rom.count, 2);
    expect_fault(length - 1, "the image at 1024 is cut off: it has 512 bytes, of which 511 are there");
    data[512] = 0;
    expect_fault(length, "no image begins at 512");
    data[512] = 0x55;
    memset(data + STRUCTURE + 0x10, 0, 2);
    expect_fault(length, "the image at 0 has no length, and is not the last one");
}

Test(rom, of_too_many_images)
{
    char types[ROM_IMAGES + 2] = {0};

    memset(types, '0', ROM_IMAGES);
    parse_types(types);
    cr_expect(rom.complete && rom.count == ROM_IMAGES);
    types[ROM_IMAGES] = '0';
    expect_fault(rom_make_types(types, GPU, data), "it has more than 16 images");
}

/* Offsets that lead out of the image, or the list of devices out of it. */
Test(rom, lies)
{
    size_t length = rom_make_types("0", GPU, data);

    memset(data + 0x18, 0xff, 2);
    expect_fault(length, "no image begins at 0");
    data[0x18] = STRUCTURE;
    data[0x19] = 0;
    data[STRUCTURE + 0x0c] = 3;
    memset(data + STRUCTURE + 0x08, 0xff, 2);
    rom_parse(data, length, &rom);
    cr_expect_eq(rom.images[0].device_count, 0);
    data[STRUCTURE + 0x09] = 1; /* 01ff from 1c on: an id that is cut in two */
    rom_parse(data, length, &rom);
    cr_expect_eq(rom.images[0].device_count, 0);
    data[2] = 0xff; /* more adds up than there is */
    rom_parse(data, length, &rom);
    cr_expect_not(rom.images[0].sum_right);
}
