/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /nodes/{node}/hardware/pci/{id}/rom, on a made host behind which a kernel is played. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/lab/move.h"
#include "tests/api/look.h"
#include "tests/hosts/kernel.h"
#include "tests/rom.h"

#define PCI  "/nodes/" NODE "/hardware/pci"
#define GPU  "0000:01:00.0" /* vfio-pci */
#define DISK "0000:04:00.0" /* nvme, which nobody uses */
#define ROM  PCI "/" GPU "/rom"

static unsigned char rom[ROM_ROOM];

static void start(void)
{
    START(.host = "golden", .kernel = true);
    kernel_set_rom(GPU, rom, rom_make_types("03", 0x10de, 0x2484, rom));
    kernel_set_rom(DISK, rom, rom_make_types("03", 0x10de, 0x2484, rom));
}

TestSuite(pci_rom, .init = start, .timeout = 120);

DAEMON_TEST(pci_rom, is_described)
{
    const json_t *described = get(ROM, NULL);

    cr_expect_eq(number_of(described, "uefi"), 1);
    cr_expect_eq(number_of(described, "bios"), 1);
    cr_expect_eq(number_of(described, "fits"), 1);
    cr_expect_eq(number_of(described, "size"), 1024);
    cr_expect_eq(json_array_size(member(described, "images")), 2);
    cr_expect_str_eq(kernel_rom_state(GPU), "rom off, enable 1, control auto");
    cr_expect_eq(number_of(member(member(get(PCI "/" GPU "/status", NULL), "state"), "rom"), "uefi"), 1);
}

DAEMON_TEST(pci_rom, is_saved_as_a_romfile)
{
    autofree char *path = xasprintf("%s/gpu.rom", daemon_roms()), *content = NULL;
    struct error err;
    size_t length;

    const char *upid = json_string_value(post(ROM, "name", "gpu.rom", NULL));
    task_succeeds(upid);
    autofree char *log = task_text(upid);
    contains(log, GPU ": its ROM is saved as '");
    cr_assert_eq(file_read(path, ROM_ROOM, &content, &length, &err), 0, "%s", err.message);
    cr_assert_eq(length, rom_make_types("03", 0x10de, 0x2484, rom));
    cr_assert_eq(memcmp(content, rom, length), 0);
    task_fails(json_string_value(post(ROM, "name", "gpu.rom", NULL)), "exists already");
    task_succeeds(json_string_value(post(ROM, "name", "gpu.rom", "overwrite", "1", NULL)));
    wrong_parameter("name", "value does not match the regex pattern", "POST", ROM, "name", "../gpu.rom",
                    NULL);
}

DAEMON_TEST(pci_rom, of_a_device_with_a_driver_is_refused_unless_forced)
{
    autofree char *message = xasprintf(DISK " has the driver nvme, and may not answer to it while its ROM is "
                                            "read: give it to vfio-pci first (hostpci "
                                            "set /nodes/localhost/hardware/pci/" DISK
                                            "/driver --driver vfio-pci), or say force=1");

    fails(500, message, "GET", PCI "/" DISK "/rom", NULL);
    task_fails(json_string_value(post(PCI "/" DISK "/rom", NULL)), "has the driver nvme");
    task_succeeds(json_string_value(post(PCI "/" DISK "/rom", "force", "1", NULL)));
    wrong_parameter("force",
                    "property is not defined in schema and the schema does not allow additional properties",
                    "GET", ROM, "force", "1", NULL);
}

DAEMON_TEST(pci_rom, of_no_device)
{
    fails(500, "no PCI device found for '0000:7f:00.0'", "GET", PCI "/7f:00.0/rom", NULL);
    fails(500, "no PCI device found for '0000:7f:00.0'", "POST", PCI "/7f:00.0/rom", NULL);
}
