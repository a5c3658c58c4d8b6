/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One function as JSON. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "hardware/check/report.h"
#include "hardware/pci/device.h"
#include "tests/unit/hardware/fixture.h"

#define FOLDER "sys/bus/pci/devices/0000:01:00.0/"

static json_t *describe(const struct tree *tree, const char *id)
{
    autoinventory struct inventory *inventory = tree_scan(tree);
    struct names *names;
    struct error err;
    json_t *device;

    cr_assert_eq(names_open(tree->sysroot, &names, &err), 0);
    cr_assert_eq(device_describe(tree->sysroot, inventory, names, address_of(id), &device, &err), 0, "%s",
                 err.message);
    names_close(names);
    return device;
}

static void make_one_function(struct tree *tree)
{
    tree_make(tree);
    tree_write(tree, "usr/share/misc/pci.ids", "");
    tree_add_function(tree, "0000:01:00.0", NULL, "30000", "10DE:2484", "10DE:146B");
}

Test(device, tells_everything_that_the_host_does)
{
    autotree struct tree tree;

    tree_make_host(&tree, "workstation");
    expect_json(
        describe(&tree, "0000:01:00.0"),
        "{'id': '0000:01:00.0', 'class': '0x030000', 'vendor': '0x10de', 'device': '0x2484', 'iommugroup': 1,"
        " 'subsystem_vendor': '0x10de', 'subsystem_device': '0x146b', 'vendor_name': 'NVIDIA Corporation',"
        " 'device_name': 'GA104 [GeForce RTX 3070]', 'subsystem_vendor_name': 'NVIDIA Corporation',"
        " 'subsystem_device_name': 'GA104 [GeForce RTX 3070]', 'revision': '0xa1', 'driver': 'nouveau',"
        " 'modules': ['nouveau', 'nvidiafb'], 'vfio-drivers': ['vfio-pci'],"
        " 'peers': ['0000:00:01.0', '0000:01:00.1'], 'boot-vga': 1,"
        " 'link': {'speed': '2.5 GT/s PCIe', 'max-speed': '16.0 GT/s PCIe', 'width': 16, 'max-width': 16},"
        " 'power-state': 'D0', 'd3cold-allowed': 1, 'reset-methods': ['bus'], 'slot': '1', 'rom': {'size': "
        "131072, 'shadow': 1},"
        " 'resources': [{'name': 'bar0', 'start': '0xde000000', 'size': 16777216, 'type': 'mem32'},"
        "  {'name': 'bar1', 'start': '0xc0000000', 'size': 268435456, 'type': 'mem64', 'prefetchable': 1},"
        "  {'name': 'bar3', 'start': '0xd0000000', 'size': 33554432, 'type': 'mem64', 'prefetchable': 1},"
        "  {'name': 'bar5', 'start': '0xe000', 'size': 128, 'type': 'io'},"
        "  {'name': 'rom', 'start': '0xc0000', 'size': 131072, 'type': 'mem32', 'shadow': 1}]}");
}

Test(device, leaves_out_what_the_host_does_not_tell)
{
    autotree struct tree tree;

    make_one_function(&tree);
    expect_json(describe(&tree, "0000:01:00.0"),
                "{'id': '0000:01:00.0', 'class': '0x030000', 'vendor': '0x10de', 'device': '0x2484', "
                "'iommugroup': -1,"
                " 'subsystem_vendor': '0x10de', 'subsystem_device': '0x146b', 'modules': [], 'peers': [],"
                " 'vfio-drivers': ['vfio-pci'],"
                " 'reset-methods': [], 'resources': []}");
}

/* The kernel has several words for "nothing". */
Test(device, takes_nothing_for_what_it_is)
{
    autotree struct tree tree;

    make_one_function(&tree);
    tree_write(&tree, FOLDER "driver_override", "(null)\n");
    tree_write(&tree, FOLDER "numa_node", "-1\n");
    tree_write(&tree, FOLDER "power_state", "unknown\n");
    tree_write(&tree, FOLDER "current_link_speed", "Unknown\n");
    tree_write(&tree, FOLDER "current_link_width", "0\n");
    tree_write(&tree, FOLDER "max_link_speed", "Unknown\n");
    tree_write(&tree, FOLDER "max_link_width", "255\n");
    tree_write(&tree, FOLDER "reset_method", "\n");
    tree_write(&tree, FOLDER "serial_number", "\n");
    tree_write(&tree, FOLDER "aer_dev_fatal", "");
    tree_write(&tree, FOLDER "vfio-dev", "");
    autojson json_t *device = describe(&tree, "0000:01:00.0");
    expect_member(device, "driver-override", NULL);
    expect_member(device, "numa-node", NULL);
    expect_member(device, "power-state", NULL);
    expect_member(device, "link", NULL);
    expect_member(device, "reset-methods", "[]");
    expect_member(device, "serial-number", NULL);
    expect_member(device, "reset-subordinate", NULL);
    expect_member(device, "errors", NULL);
    expect_member(device, "vfio-dev", NULL);
}

Test(device, shows_an_override_and_its_numa_node)
{
    autotree struct tree tree;

    tree_make_host(&tree, "sriov");
    autojson json_t *drive = describe(&tree, "0000:d9:00.0");
    expect_member(drive, "driver-override", "'vfio-pci'");
    expect_member(drive, "driver", "'vfio-pci'");
    expect_member(drive, "numa-node", "1");
}

Test(device, that_can_have_virtual_functions_tells_how_many_and_which)
{
    autotree struct tree tree;

    tree_make_host(&tree, "sriov");
    autojson json_t *port = describe(&tree, "0000:3b:00.0"), *idle = describe(&tree, "0000:d8:00.0");
    autojson json_t *function = describe(&tree, "0000:3b:02.1"), *drive = describe(&tree, "0000:d9:00.0");
    expect_member(port, "sriov",
                  "{'totalvfs': 64, 'numvfs': 32, 'offset': 16, 'stride': 1, 'vf-device': '0x154c',"
                  " 'drivers-autoprobe': 1}");
    const json_t *functions = json_object_get(port, "virtfns");
    cr_assert_eq(json_object_size(functions), 32);
    expect_member(functions, "virtfn0", "'0000:3b:02.0'");
    expect_member(functions, "virtfn31", "'0000:3b:05.7'");
    expect_member(idle, "sriov",
                  "{'totalvfs': 128, 'numvfs': 0, 'offset': 8, 'stride': 1, 'vf-device': '0x1889',"
                  " 'drivers-autoprobe': 1}");
    expect_member(idle, "virtfns", NULL);
    expect_member(function, "physfn", "'0000:3b:00.0'");
    expect_member(function, "sriov", NULL);
    expect_member(drive, "sriov", NULL);
}

/* The text is that of a kernel's aer_dev_correctable, aer_dev_nonfatal and aer_dev_fatal. */
Test(device, lists_the_errors_that_the_kernel_has_counted)
{
    autotree struct tree tree;

    make_one_function(&tree);
    tree_write(&tree, FOLDER "aer_dev_correctable",
               "RxErr 3\nBadTLP 0\nBadDLLP 0\nRollover 0\nTimeout 18446744073709551615\nNonFatalErr 0\n"
               "CorrIntErr 0\nHeaderOF 1\nTOTAL_ERR_COR 4\n");
    tree_write(&tree, FOLDER "aer_dev_nonfatal", "Undefined 0\nDLP 0\nTOTAL_ERR_NONFATAL 0\n");
    tree_write(&tree, FOLDER "aer_dev_fatal",
               "DLP 1\nSDES\n 7\nTLP x\nFCP -1\nERR_BIT[9] 2\nTOTAL_ERR_FATAL 3\n");
    autojson json_t *device = describe(&tree, "0000:01:00.0");
    expect_member(device, "errors",
                  "[{'severity': 'fatal', 'name': 'DLP', 'count': 1},"
                  " {'severity': 'fatal', 'name': 'ERR_BIT[9]', 'count': 2},"
                  " {'severity': 'correctable', 'name': 'RxErr', 'count': 3},"
                  " {'severity': 'correctable', 'name': 'HeaderOF', 'count': 1}]");
}

Test(device, without_an_error_says_so_if_the_kernel_counts)
{
    autotree struct tree tree;

    make_one_function(&tree);
    autojson json_t *silent = describe(&tree, "0000:01:00.0");
    expect_member(silent, "errors", NULL);
    tree_write(&tree, FOLDER "aer_dev_nonfatal", "Undefined 0\nDLP 0\nTOTAL_ERR_NONFATAL 0\n");
    autojson json_t *device = describe(&tree, "0000:01:00.0");
    expect_member(device, "errors", "[]");
}

Test(device, has_what_only_newer_kernels_tell)
{
    autotree struct tree tree;

    make_one_function(&tree);
    tree_write(&tree, FOLDER "serial_number", "00-80-ee-00-00-00-11-22\n");
    tree_write(&tree, FOLDER "reset_subordinate", "");
    tree_write(&tree, FOLDER "vfio-dev/vfio12/uevent", "");
    tree_write(&tree, FOLDER "sriov_totalvfs", "8\n");
    tree_write(&tree, FOLDER "sriov_vf_total_msix", "0\n");
    autojson json_t *device = describe(&tree, "0000:01:00.0");
    expect_member(device, "serial-number", "'00-80-ee-00-00-00-11-22'");
    expect_member(device, "reset-subordinate", "1");
    expect_member(device, "vfio-dev", "{'name': 'vfio12'}");
    expect_member(device, "sriov", "{'totalvfs': 8}");
    tree_write(&tree, FOLDER "vfio-dev/vfio12/dev", "511:12\n");
    tree_write(&tree, FOLDER "sriov_vf_total_msix", "2048\n");
    autojson json_t *again = describe(&tree, "0000:01:00.0");
    expect_member(again, "vfio-dev", "{'name': 'vfio12', 'cdev': '/dev/vfio/devices/vfio12'}");
    expect_member(again, "sriov", "{'totalvfs': 8, 'vf-total-msix': 2048}");
}

Test(device, names_the_modules_whose_alias_fits)
{
    autotree struct tree tree;

    make_one_function(&tree);
    tree_write(&tree, "proc/sys/kernel/osrelease", "6.1.0-test\n");
    tree_write(&tree, FOLDER "modalias", "pci:v000010DEd00002484sv000010DEsd0000146Bbc03sc00i00\n");
    tree_write(&tree, "lib/modules/6.1.0-test/modules.alias",
               "# Aliases extracted from modules themselves.\n"
               "alias pci:v000010DEd*sv*sd*bc03sc00i00* nvidiafb\n"
               "alias pci:v000010DEd00002484sv*sd*bc*sc*i* nouveau\n"
               "alias pci:v000010DEd*sv*sd*bc03sc[0-2]*i* nouveau\n"
               "alias pci:v000010DEd00002485sv*sd*bc*sc*i* other\n"
               "alias usb:v000010DEd* usbthing\n"
               "alias pci:v000010DEd*\n"
               "nonsense\n");
    tree_write(&tree, "lib/modules/6.1.0-test/modules.builtin.alias",
               "alias pci:v*d*sv*sd*bc03sc*i* builtin\n");
    autojson json_t *device = describe(&tree, "0000:01:00.0");
    expect_member(device, "modules", "['nvidiafb', 'nouveau', 'builtin']");
}

Test(device, that_is_gone_is_not_found)
{
    autotree struct tree tree;
    struct error err;
    json_t *device = NULL;

    tree_make_host(&tree, "workstation");
    autoinventory struct inventory *before = tree_scan(&tree);
    struct names *names;
    cr_assert_eq(names_open(tree.sysroot, &names, &err), 0);
    cr_assert_eq(device_describe(tree.sysroot, before, names, address_of("07:00.0"), &device, &err), -1);
    cr_assert_eq(err.kind, ERROR_NOT_FOUND);
    cr_assert_str_eq(err.message, "no PCI device found for '0000:07:00.0'");
    tree_unplug(&tree, "0000:02:00.0"); /* after the scan */
    cr_assert_eq(device_describe(tree.sysroot, before, names, address_of("02:00.0"), &device, &err), -1);
    cr_assert_str_eq(err.message, "no PCI device found for '0000:02:00.0'");
    cr_assert_null(device);
    names_close(names);
}

/* Plays a read that never returns, by failing when it begins. */
static int refuse_to_answer(enum sysfs_access access, int folder, const char *path, const char *value)
{
    (void)folder, (void)value;
    if (access == SYSFS_READ)
        cr_assert(strstr(path, "driver_override") == NULL && strstr(path, "sriov_") == NULL, "%s is read",
                  path);
    return 1;
}

Test(device, that_the_kernel_works_on_is_told_without_what_would_not_answer)
{
    static const char *const ids[] = {"0000:3b:00.0", "0000:3b:02.1", "0000:d9:00.0"};
    autotree struct tree tree;
    struct error err;

    tree_make_host(&tree, "sriov");
    autoinventory struct inventory *inventory = tree_scan(&tree);
    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        autohostuses struct host_uses *uses = NULL;
        autojson json_t *device = NULL, *whole = describe(&tree, ids[i]), *readiness = NULL;
        sysfs_hook = refuse_to_answer;
        cr_assert_eq(device_describe_held(tree.sysroot, inventory, NULL, address_of(ids[i]), &device, &err),
                     0);
        cr_assert_eq(host_uses_scan(tree.sysroot, inventory, &uses, &err), 0);
        cr_assert_eq(
            readiness_describe_held(tree.sysroot, inventory, uses, address_of(ids[i]), &readiness, &err), 0);
        sysfs_hook = NULL;
        cr_expect(json_equal(json_object_get(device, "driver"), json_object_get(whole, "driver")));
        cr_expect(json_equal(json_object_get(device, "resources"), json_object_get(whole, "resources")));
        cr_expect_not_null(json_object_get(readiness, "verdict"));
        cr_expect_not_null(json_object_get(readiness, "host-use"));
    }
}

/* Whatever its files hold, a device has an answer, and the answer is JSON. */
Test(device, survives_files_of_every_kind_of_damage)
{
    autotree struct tree tree;

    tree_make_host(&tree, "broken");
    autoinventory struct inventory *inventory = tree_scan(&tree);
    for (size_t i = 0; i < inventory->count; i++) {
        char id[PCI_ADDRESS_SIZE];
        pci_address_format(inventory->devices[i].address, id);
        autojson json_t *device = describe(&tree, id);
        autofree char *text = json_dumps(device, 0);
        cr_expect_not_null(text, "%s", id);
        cr_expect(json_is_array(json_object_get(device, "resources")), "%s", id);
    }
}

Test(device, in_brief_is_an_entry_of_the_list)
{
    autotree struct tree tree;
    struct names *names;
    struct error err;

    tree_make_host(&tree, "nvidia");
    autoinventory struct inventory *inventory = tree_scan(&tree);
    cr_assert_eq(names_open(tree.sysroot, &names, &err), 0);
    const struct pci_device *function = device_of(inventory, "0000:41:00.4");
    expect_json(device_summarize(function, NULL), "{'id': '0000:41:00.4', 'class': '0x030200', 'vendor': "
                                                  "'0x10de', 'device': '0x26b9', 'iommugroup': 10,"
                                                  " 'mdev': 1, 'nvidia': 1}");
    expect_json(
        device_summarize(function, names),
        "{'id': '0000:41:00.4', 'class': '0x030200', 'vendor': '0x10de', 'device': '0x26b9', "
        "'iommugroup': 10,"
        " 'mdev': 1, 'nvidia': 1, 'subsystem_vendor': '0x10de', 'subsystem_device': '0x1851',"
        " 'vendor_name': 'NVIDIA Corporation', 'device_name': 'AD102GL [L40S]',"
        " 'subsystem_vendor_name': 'NVIDIA Corporation', 'driver': 'nvidia', 'physfn': '0000:41:00.0'}");
    names_close(names);
}
