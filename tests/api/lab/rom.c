/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ROMs of real functions: tests/lab/topology/default. QEMU's e1000e has one image for a BIOS and one for
 * UEFI, unless it is given another one; its NVMe drive has none, and its VGA is the screen of the boot. */
#include <criterion/criterion.h>

#include "base/memory.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/lab/broker.h"
#include "tests/api/lab/machine.h"
#include "tests/api/lab/move.h"
#include "tests/api/look.h"

#define PCI    "/nodes/" NODE "/hardware/pci"
#define SCREEN "0000:00:01.0"
#define DRIVE  "0000:01:00.0"
#define CARD   "0000:03:00.0"
#define MODERN "0000:02:00.1"

TestSuite(lab_rom, .init = lab_start, .timeout = 600);

static void is_of_the_card(const json_t *rom)
{
    const json_t *images = member(rom, "images");

    cr_expect_eq(number_of(rom, "bios"), 1);
    cr_expect_eq(number_of(rom, "uefi"), 1);
    cr_expect_eq(number_of(rom, "fits"), 1);
    cr_expect_eq(json_array_size(images), 2);
    cr_expect_str_eq(text_of(member(json_array_get(images, 1), "efi"), "machine"), "x64");
}

/* On vfio-pci, and without any driver: then memory decoding is off and the function may sleep. */
LAB_TEST(lab_rom, is_read_and_the_function_is_as_before)
{
    MOVE(CARD, "vfio-pci");
    is_of_the_card(get(PCI "/" CARD "/rom", NULL));
    MOVE(CARD, "none");
    is_of_the_card(get(PCI "/" CARD "/rom", NULL));
    MOVE(CARD, "restore");
    cr_expect_str_eq(machine_driver(CARD), "e1000e");
    RUN("sh", "-c", "! cat /sys/bus/pci/devices/" CARD "/rom >/dev/null");
}

LAB_TEST(lab_rom, of_a_card_that_works_for_the_host_is_not_read_unless_forced)
{
    autofree char *log = NULL;
    const char *upid = json_string_value(post(PCI "/" CARD "/rom", NULL));

    task_fails(upid, "has the driver e1000e");
    upid = json_string_value(post(PCI "/" CARD "/rom", "force", "1", NULL));
    task_succeeds(upid);
    log = task_text(upid);
    contains(log, "UEFI");
    cr_expect_str_eq(machine_driver(CARD), "e1000e");
}

LAB_TEST(lab_rom, that_is_not_there_is_told)
{
    const char *upid = json_string_value(post(PCI "/" DRIVE "/rom", "force", "1", NULL));

    task_fails(upid, "ROM");
}

LAB_TEST(lab_rom, of_the_screen_is_for_a_bios_alone)
{
    const json_t *rom = get(PCI "/" SCREEN "/rom", NULL);

    cr_expect_eq(number_of(rom, "bios"), 1);
    cr_expect_eq(number_of(rom, "uefi"), 0);
    cr_expect_eq(number_of(rom, "fits"), 1);
}

LAB_TEST(lab_rom, that_is_for_uefi_alone)
{
    MOVE(MODERN, "vfio-pci");
    const json_t *rom = get(PCI "/" MODERN "/rom", NULL), *images = member(rom, "images");
    cr_expect_eq(number_of(rom, "bios"), 0);
    cr_expect_eq(number_of(rom, "uefi"), 1);
    cr_expect_eq(number_of(rom, "fits"), 1);
    cr_assert_eq(json_array_size(images), 1);
    cr_expect_str_eq(text_of(member(json_array_get(images, 0), "efi"), "machine"), "x64");
    MOVE(MODERN, "restore");
}
