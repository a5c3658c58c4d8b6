/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operation rom: a ROM is read only where nobody is disturbed by it, and is always switched off afterwards.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "tests/rom.h"
#include "tests/unit/broker/testbed.h"
#include "tests/unit/hardware/use/fixture.h"

#define GPU         0x10de, 0x2484
#define READ(id)    "{'id': '" id "'}"
#define SAVE(more)  "{'id': '" SCREEN "', 'name': 'gpu.rom'" more "}"
#define WITH_DRIVER "rom off, enable 1, control auto"
#define WITHOUT     "rom off, enable 0, control auto"

static unsigned char rom[ROM_ROOM];

static void make(struct testbed *testbed, const char *driver, const char *override)
{
    testbed_make(testbed);
    kernel_put(SCREEN, driver, override);
    kernel_reset_rom(SCREEN);
}

static void give_rom(const char *types, uint16_t vendor, uint16_t device)
{
    kernel_set_rom(SCREEN, rom, rom_make_types(types, vendor, device, rom));
}

static char *make_folder(const struct testbed *testbed)
{
    char *folder = xasprintf("%s/roms", testbed->tree.path);

    cr_assert_eq(mkdir(folder, 0755), 0);
    return folder;
}

static void expect_file(const char *folder, const char *name, const void *data, size_t length)
{
    autofree char *path = xasprintf("%s/%s", folder, name), *content = NULL;
    struct stat status;
    struct error err;
    size_t size = 0;

    cr_assert_eq(file_read(path, ROM_ROOM, &content, &size, &err), 0, "%s", err.message);
    cr_assert_eq(size, length);
    cr_assert_eq(memcmp(content, data, length), 0);
    cr_assert_eq(stat(path, &status), 0);
    cr_assert_eq(status.st_mode & 07777, 0644, "the user who runs QEMU reads it");
}

Test(broker_rom, of_a_function_that_waits_for_a_vm_is_read)
{
    autotestbed struct testbed testbed;

    make(&testbed, "vfio-pci", "vfio-pci");
    testbed_do(
        &testbed, "rom", READ(SCREEN),
        "{'id': '" SCREEN "', 'size': 1024, 'complete': 1, 'bios': 1, 'uefi': 1, 'fits': 1, 'notes': [],"
        " 'images': ["
        "{'offset': 0, 'length': 512, 'code': 0, 'type': 'bios', 'vendor': '0x10de', 'device': '0x2484',"
        " 'class': '0x030000', 'revision': 0, 'last': 0, 'checksum': 'right'},"
        "{'offset': 512, 'length': 512, 'code': 3, 'type': 'uefi', 'vendor': '0x10de', 'device': '0x2484',"
        " 'class': '0x030000', 'revision': 0, 'last': 1,"
        " 'efi': {'machine': 'x64', 'subsystem': 'boot-service-driver', 'compressed': 0}}]}");
    expect_log(&testbed, SCREEN ": the image at 512 has 512 bytes and is for UEFI on x64 (10de:2484)");
    cr_expect_str_eq(kernel_rom_state(SCREEN), WITH_DRIVER);
    expect_nothing_open(&testbed);
}

/* Nobody has enabled it, and it may sleep: it would read as ff. */
Test(broker_rom, of_a_function_without_driver_is_read)
{
    autotestbed struct testbed testbed;

    make(&testbed, "", "none");
    json_decref(testbed_ask(&testbed, "rom", READ(SCREEN)));
    cr_expect_str_eq(kernel_rom_state(SCREEN), WITHOUT);
    expect_binding(SCREEN, "", "none");
    expect_nothing_open(&testbed);
}

/* The state of the function tells what was read last. */
Test(broker_rom, is_remembered)
{
    autotestbed struct testbed testbed;

    make(&testbed, "vfio-pci", "vfio-pci");
    give_rom("0", GPU);
    json_decref(testbed_ask(&testbed, "rom", READ(SCREEN)));
    expect_log(&testbed, SCREEN ": it is not UEFI capable");
    autojson json_t *state = testbed_ask(&testbed, "state", READ(SCREEN));
    const json_t *fact = json_object_get(json_object_get(json_object_get(state, "functions"), SCREEN), "rom");
    cr_assert_not_null(fact);
    cr_expect_eq(json_integer_value(json_object_get(fact, "bios")), 1);
    cr_expect_eq(json_integer_value(json_object_get(fact, "uefi")), 0);
    cr_expect_eq(json_integer_value(json_object_get(fact, "vendor")), 0x10de);
    cr_expect_gt(json_integer_value(json_object_get(fact, "time")), 1700000000);
}

Test(broker_rom, is_not_read_under_a_driver_unless_forced)
{
    autotestbed struct testbed testbed;

    make(&testbed, "nouveau", "");
    testbed_fail(&testbed, "rom", READ(SCREEN),
                 SCREEN " has the driver nouveau, and may not answer to it while its ROM is read: give it to "
                        "vfio-pci first (hostpci set /nodes/localhost/hardware/pci/" SCREEN
                        "/driver --driver vfio-pci), or say force=1");
    cr_expect_str_eq(kernel_rom_state(SCREEN), WITH_DRIVER);
    json_decref(testbed_ask(&testbed, "rom", "{'id': '" SCREEN "', 'force': 1}"));
    cr_expect_str_eq(kernel_rom_state(SCREEN), WITH_DRIVER);
    expect_binding(SCREEN, "nouveau", "");
    expect_nothing_open(&testbed);
}

Test(broker_rom, is_not_read_while_a_vm_has_the_function_unless_forced)
{
    autotestbed struct testbed testbed;

    make(&testbed, "vfio-pci", "vfio-pci");
    host_open(&testbed.tree, 50, "qemu-system-x86\n", "/dev/vfio/1");
    testbed_fail(&testbed, "rom", READ(SCREEN),
                 "what the host uses is not asked for its ROM unless forced: " SCREEN);
    json_decref(testbed_ask(&testbed, "rom", "{'id': '" SCREEN "', 'force': 1}"));
    cr_expect_str_eq(kernel_rom_state(SCREEN), WITH_DRIVER);
}

/* The root disk would not answer either. */
Test(broker_rom, of_what_the_host_cannot_run_without_is_never_read)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    host_add_disk(&testbed.tree, "nvme0n1", "259:0", DISK_FOLDER);
    tree_write(&testbed.tree, "proc/1/mountinfo", "27 1 259:0 / / rw - ext4 /dev/root rw\n");
    kernel_set_rom(DISK, rom, rom_make_types("0", 0x144d, 0xa808, rom));
    testbed_fail(&testbed, "rom", "{'id': '" DISK "', 'force': 1}",
                 "what the host cannot run without is never asked for its ROM: " DISK);
    cr_expect_str_eq(kernel_rom_state(DISK), WITH_DRIVER);
}

Test(broker_rom, that_there_is_not)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    testbed_fail(&testbed, "rom", READ(IDLE), IDLE " has no ROM that the kernel can read: there is no /sys/");
    testbed_fail(&testbed, "rom", READ("0000:7f:00.0"), "no PCI device found for '0000:7f:00.0'");
    testbed_fail(&testbed, "rom", READ(PORT), "is a bridge");
    expect_nothing_open(&testbed);
}

Test(broker_rom, that_is_none)
{
    autotestbed struct testbed testbed;

    make(&testbed, "vfio-pci", "vfio-pci");
    kernel_set_rom(SCREEN, "\377\377\377", 3);
    testbed_fail(&testbed, "rom", READ(SCREEN),
                 "what " SCREEN
                 " gives as its ROM is none: it begins with ff ff, where 55 aa has to be, and has 3 "
                 "bytes");
    kernel_set_rom(SCREEN, "", 0);
    testbed_fail(&testbed, "rom", READ(SCREEN), "the ROM of " SCREEN " is empty");
    cr_expect_str_eq(kernel_rom_state(SCREEN), WITH_DRIVER);
}

Test(broker_rom, that_the_kernel_cannot_read_is_switched_off_all_the_same)
{
    autotestbed struct testbed testbed;

    make(&testbed, "", "none");
    kernel_set_fault(
        &(struct kernel_fault){.access = SYSFS_READ, .path = SCREEN "/rom", .first = 1, .error = EIO});
    testbed_fail(&testbed, "rom", READ(SCREEN),
                 "cannot read /sys/bus/pci/devices/" SCREEN
                 "/rom: Input/output error (EIO): no image begins in it, or "
                 "the device does not answer");
    cr_expect_str_eq(kernel_rom_state(SCREEN), WITHOUT);
    expect_nothing_open(&testbed);
}

/* The firmware left a copy in memory, of the card that it started on. */
Test(broker_rom, that_is_a_copy_is_called_one)
{
    autotestbed struct testbed testbed;

    make(&testbed, "vfio-pci", "vfio-pci");
    autotext struct text windows = {0};
    for (int i = 0; i < 6; i++)
        text_append(&windows, "0x0000000000000000 0x0000000000000000 0x0000000000000000\n");
    text_append(&windows, "0x00000000000c0000 0x00000000000dffff 0x0000000000000212\n");
    tree_write(&testbed.tree, "sys/bus/pci/devices/" SCREEN "/resource", text_string(&windows));
    give_rom("0", 0x1002, 0x67df);
    autojson json_t *result = testbed_ask(&testbed, "rom", READ(SCREEN));
    cr_expect_eq(json_integer_value(json_object_get(result, "shadow")), 1);
    cr_expect_eq(json_integer_value(json_object_get(result, "fits")), 0);
    expect_log(&testbed, SCREEN ": this is the copy that the firmware left in main memory");
    expect_log(&testbed, SCREEN ": it is for 1002:67df, and this device is 10de:2484");
}

Test(broker_rom, is_saved)
{
    autotestbed struct testbed testbed;

    make(&testbed, "vfio-pci", "vfio-pci");
    testbed_fail(&testbed, "rom", SAVE(""), "/roms' does not exist: make it (mkdir -p ");
    autofree char *folder = make_folder(&testbed);
    autojson json_t *result = testbed_ask(&testbed, "rom", SAVE(""));
    autofree char *path = xasprintf("%s/gpu.rom", folder);
    cr_expect_str_eq(json_string_value(json_object_get(result, "file")), path);
    expect_file(folder, "gpu.rom", rom, rom_make_types("03", GPU, rom));
    expect_log(&testbed, "(1024 bytes); to use it: romfile=gpu.rom");

    testbed_fail(&testbed, "rom", SAVE(""), "exists already: choose another name, or say overwrite=1");
    give_rom("0", GPU);
    json_decref(testbed_ask(&testbed, "rom", SAVE(", 'overwrite': 1")));
    expect_file(folder, "gpu.rom", rom, 512);
}

Test(broker_rom, is_saved_below_its_folder_only)
{
    autotestbed struct testbed testbed;
    static const char *const names[] = {"../etc/passwd", "a/b", ".hidden", "", "a,b", "a;b", "a b", "-x"};

    make(&testbed, "vfio-pci", "vfio-pci");
    autofree char *folder = make_folder(&testbed);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        autofree char *arguments = xasprintf("{'id': '" SCREEN "', 'name': '%s'}", names[i]);
        testbed_fail(&testbed, "rom", arguments, "name: ");
    }
    autofree char *link = xasprintf("%s/gpu.rom", folder),
                  *target = xasprintf("%s/target", testbed.tree.path);
    cr_assert_eq(symlink(target, link), 0);
    testbed_fail(&testbed, "rom", SAVE(""), "exists already");
    json_decref(testbed_ask(&testbed, "rom", SAVE(", 'overwrite': 1")));
    cr_expect_neq(access(target, F_OK), 0, "the link was replaced, not followed");
}

Test(broker_rom, of_another_device_or_damaged_is_saved_only_if_forced)
{
    autotestbed struct testbed testbed;

    make(&testbed, "vfio-pci", "vfio-pci");
    autofree char *folder = make_folder(&testbed);
    give_rom("03", 0x1002, 0x67df);
    testbed_fail(&testbed, "rom", SAVE(""),
                 "it is not saved, as it is of another device: the ROM is for 1002:67df, and " SCREEN
                 " is 10de:2484; say force=1");
    rom_make_types("03", GPU, rom);
    kernel_set_rom(SCREEN, rom, 1000);
    testbed_fail(
        &testbed, "rom", SAVE(""),
        "it is not saved, as it is damaged: the image at 512 is cut off: it has 512 bytes, of which 488 are "
        "there; say force=1");
    size_t size = rom_make_types("03", GPU, rom);
    rom[300] ^= 1; /* of the image for a BIOS */
    kernel_set_rom(SCREEN, rom, size);
    testbed_fail(
        &testbed, "rom", SAVE(""),
        "it is not saved, as it is damaged: the checksum of its image for a BIOS is wrong; say force=1");
    rom_make_types("03", GPU, rom);
    kernel_set_rom(SCREEN, rom, 1000);
    json_decref(testbed_ask(&testbed, "rom", SAVE(", 'force': 1")));
    expect_file(folder, "gpu.rom", rom, 1000);
}

Test(broker_rom, of_a_function_that_goes_away_needs_no_way_back)
{
    autotestbed struct testbed testbed;

    make(&testbed, "vfio-pci", "vfio-pci");
    kernel_set_fault(&(struct kernel_fault){
        .access = SYSFS_READ, .path = SCREEN "/rom", .first = 1, .error = ENODEV, .unplug = SCREEN});
    testbed_fail(&testbed, "rom", READ(SCREEN), SCREEN " is gone");
    expect_nothing_open(&testbed);
}

Test(broker_rom, that_cannot_be_switched_off_says_what_is_left_to_do)
{
    autotestbed struct testbed testbed;

    make(&testbed, "vfio-pci", "vfio-pci");
    kernel_set_fault(&(struct kernel_fault){
        .access = SYSFS_WRITE, .path = SCREEN "/rom", .first = 1, .last = UINT_MAX, .error = EIO});
    testbed_fail(&testbed, "rom", READ(SCREEN), SCREEN " is left with its ROM switched on");
    expect_log(&testbed,
               SCREEN " is left half-way: read its ROM again, which switches that off, or restart the "
                      "broker, which tries once more");
    kernel_set_fault(NULL);
    testbed_stop_broker(&testbed, SIGTERM);
    testbed_start_broker(&testbed);
    testbed_wait_until_idle(&testbed);
    expect_nothing_open(&testbed);
}
