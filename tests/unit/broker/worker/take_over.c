/* SPDX-License-Identifier: GPL-2.0-or-later */
/* take-over=1: what sysfs.conf sets at boot is kept here instead. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "tests/unit/broker/testbed.h"

#define DRIVER_LINE "bus/pci/devices/" DISK "/driver_override = vfio-pci"
#define COUNT_LINE  "class/net/eth7/device/sriov_numvfs=2"
#define REST        "# mine\n\nmode bus/pci/devices/" DISK "/enable = 0644\n"
#define KEEP_HERE   "{'id': '" DISK "', 'driver': 'vfio-pci', 'persistent': 1}"
#define TAKE_OVER   "{'id': '" DISK "', 'driver': 'vfio-pci', 'persistent': 1, 'take-over': 1}"
#define UUID        "11111111-2222-3333-4444-555555555555"
#define MDEV_LINE   "bus/pci/devices/" SCREEN "/mdev_supported_types/nouveau-small/create = " UUID
#define MAKE_MDEV                                                                                            \
    "{'id': '" SCREEN "', 'type': 'nouveau-small', 'uuid': '" UUID "', 'persistent': 1, 'take-over': 1}"
#define DIVIDE "{'id': '" NETWORK "', 'numvfs': 2, 'persistent': 1, 'take-over': 1}"

static void expect_file(const struct testbed *testbed, const char *file, const char *expected)
{
    autofree char *path = xasprintf("%s/%s", testbed->tree.path, file), *text = NULL;
    struct error err;
    size_t length;

    cr_assert_eq(file_read(path, 65536, &text, &length, &err), 0, "%s", err.message);
    cr_expect_str_eq(text, expected, "%s: %s", file, text);
}

Test(broker_take_over, of_a_driver_makes_the_line_a_comment)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    tree_write(&testbed.tree, "etc/sysfs.conf", REST DRIVER_LINE "\n# end");
    testbed_fail(&testbed, "driver", KEEP_HERE, "line 4 of '/etc/sysfs.conf'");
    testbed_do(&testbed, "driver", TAKE_OVER,
               "{'functions': [{'id': '" DISK "', 'before': 'nvme', 'driver': 'vfio-pci'}]}");
    expect_file(&testbed, "etc/sysfs.conf", REST "# kept by hostpci: " DRIVER_LINE "\n# end");
    expect_log(&testbed, "to go back, remove '# kept by hostpci: ' from line 4 of '/etc/sysfs.conf', and say "
                         "persistent=0");
    autojson json_t *kept = testbed_ask(&testbed, "state", "{'id': '" DISK "'}");
    expect_member(json_object_get(json_object_get(kept, "functions"), DISK), "choice",
                  "{'driver': 'vfio-pci', 'vendor': 5197, 'device': 43016}");
    json_decref(testbed_ask(&testbed, "driver", KEEP_HERE)); /* nobody else sets it any more */
    json_decref(testbed_ask(&testbed, "driver", TAKE_OVER)); /* so there is nothing left to take */
    expect_file(&testbed, "etc/sysfs.conf", REST "# kept by hostpci: " DRIVER_LINE "\n# end");
    expect_nothing_open(&testbed);
}

Test(broker_take_over, of_a_count_in_two_files)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    kernel_add_sriov(NETWORK, &(struct kernel_sriov){7, 128, 2, 0x10ca, 40, "igbvf"});
    tree_write(&testbed.tree, "sys/bus/pci/devices/" NETWORK "/net/eth7/address", "00:00:00:00:00:01\n");
    tree_write(&testbed.tree, "etc/sysfs.d/a.conf", COUNT_LINE "\n");
    tree_write(&testbed.tree, "etc/sysfs.d/b.conf",
               "bus/pci/devices/" NETWORK "/sriov_numvfs = 2\n" COUNT_LINE "\n");
    json_decref(testbed_ask(&testbed, "sriov", DIVIDE));
    cr_assert_eq(kernel_vfs(NETWORK), 2);
    expect_file(&testbed, "etc/sysfs.d/a.conf", "# kept by hostpci: " COUNT_LINE "\n");
    expect_file(&testbed, "etc/sysfs.d/b.conf",
                "# kept by hostpci: bus/pci/devices/" NETWORK
                "/sriov_numvfs = 2\n# kept by hostpci: " COUNT_LINE "\n");
    expect_nothing_open(&testbed);
}

static void make_mdev_host(struct testbed *testbed)
{
    testbed_make_host(testbed);
    kernel_add_mdev_type(SCREEN, "nouveau-small", 2);
    testbed_start_broker(testbed);
}

/* It is then in mdevctl's file alone. */
Test(broker_take_over, of_a_mediated_device)
{
    autotestbed struct testbed testbed;

    make_mdev_host(&testbed);
    tree_write(&testbed.tree, "etc/sysfs.conf", MDEV_LINE "\n");
    json_decref(testbed_ask(&testbed, "mdev-create", MAKE_MDEV));
    cr_expect_str_eq(kernel_mdev(UUID), "nouveau-small");
    expect_file(&testbed, "etc/sysfs.conf", "# kept by hostpci: " MDEV_LINE "\n");
    expect_file(&testbed, "etc/mdevctl.d/" SCREEN "/" UUID,
                "{\n  \"mdev_type\": \"nouveau-small\",\n  \"start\": \"auto\",\n  \"attrs\": []\n}\n");
    expect_log(&testbed, "to go back, remove '# kept by hostpci: ' from line 1 of '/etc/sysfs.conf'");
    expect_nothing_open(&testbed);
}

Test(broker_take_over, of_a_mediated_device_is_undone_if_the_file_cannot_be_written)
{
    autotestbed struct testbed testbed;

    make_mdev_host(&testbed);
    tree_write(&testbed.tree, "etc/sysfs.conf", MDEV_LINE "\n");
    kernel_set_fault(
        &(struct kernel_fault){.access = SYSFS_WRITE, .path = "etc/sysfs.conf", .first = 1, .error = ENOSPC});
    testbed_fail(&testbed, "mdev-create", MAKE_MDEV, "is back without the mediated device " UUID);
    cr_expect_str_empty(kernel_mdev(UUID));
    expect_file(&testbed, "etc/sysfs.conf", MDEV_LINE "\n");
    expect_nothing_open(&testbed);
}

Test(broker_take_over, of_a_mediated_device_is_refused_for_all_else)
{
    static const struct {
        const char *file, *text, *message;
    } cases[] = {
        {"etc/sysfs.conf",
         "bus/pci/devices/" SCREEN "/mdev_supported_types/nouveau-large/create = " UUID "\n",
         "does not set the same for " SCREEN ", '" UUID "'"},
        {"etc/rc.local",
         "echo " UUID " > /sys/bus/pci/devices/" SCREEN "/mdev_supported_types/nouveau-small/create\n",
         "line 1 of '/etc/rc.local' (script: "},
        {"etc/mdevctl.d/" DISK "/" UUID, "{\"mdev_type\": \"a\"}",
         "is that of '/etc/mdevctl.d/" DISK "/" UUID "' already"},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        autotestbed struct testbed testbed;
        make_mdev_host(&testbed);
        tree_write(&testbed.tree, cases[i].file, cases[i].text);
        testbed_fail(&testbed, "mdev-create", MAKE_MDEV, cases[i].message);
        expect_file(&testbed, cases[i].file, cases[i].text);
        cr_expect_str_empty(kernel_mdev(UUID));
        expect_nothing_open(&testbed);
    }
}

/* Whatever is not exactly the same, or another program's, is changed by hand. */
Test(broker_take_over, is_refused_for_all_else)
{
    static const struct {
        const char *file, *text, *message;
    } cases[] = {
        {"etc/sysfs.conf", "bus/pci/devices/" DISK "/driver_override = pci-stub\n",
         "does not set the same for " DISK ", 'vfio-pci'"},
        {"etc/sysfs.conf", DRIVER_LINE " # and more\n", "line 1 of '/etc/sysfs.conf'"},
        {"etc/driverctl.d/pci-" DISK, "vfio-pci\n", "type `driverctl unset-override " DISK "`"},
        {"etc/rc.local", "echo vfio-pci > /sys/bus/pci/devices/" DISK "/driver_override\n",
         "line 1 of '/etc/rc.local' (script: "},
        {"etc/udev/rules.d/9.rules", "KERNEL==\"" DISK "\", ATTR{driver_override}=\"vfio-pci\"\n",
         "remove that line, or its part, by hand"},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        autotestbed struct testbed testbed;
        testbed_make(&testbed);
        tree_write(&testbed.tree, cases[i].file, cases[i].text);
        testbed_fail(&testbed, "driver", TAKE_OVER, cases[i].message);
        expect_file(&testbed, cases[i].file, cases[i].text);
        expect_binding(DISK, "nvme", "");
        expect_nothing_open(&testbed);
    }
}

Test(broker_take_over, is_of_what_is_kept_alone)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    testbed_fail(&testbed, "driver", "{'id': '" DISK "', 'driver': 'vfio-pci', 'take-over': 1}",
                 "say persistent=1, too");
    expect_binding(DISK, "nvme", "");
}

/* If the file cannot be written, the function goes back, and nothing is kept. */
Test(broker_take_over, that_fails_is_undone)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    tree_write(&testbed.tree, "etc/sysfs.conf", DRIVER_LINE "\n");
    kernel_set_fault(
        &(struct kernel_fault){.access = SYSFS_WRITE, .path = "etc/sysfs.conf", .first = 1, .error = ENOSPC});
    testbed_fail(&testbed, "driver", TAKE_OVER, DISK " is back with nvme");
    expect_file(&testbed, "etc/sysfs.conf", DRIVER_LINE "\n");
    autojson json_t *kept = testbed_ask(&testbed, "state", "{'id': '" DISK "'}");
    expect_member(json_object_get(kept, "functions"), DISK, "{}");
    expect_binding(DISK, "nvme", "");
    expect_nothing_open(&testbed);
}

/* The broker may write to the file, and not to the folder that it is in. */
Test(broker_take_over, overwrites_a_file_whose_folder_is_read_only)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    tree_write(&testbed.tree, "etc/sysfs.conf", DRIVER_LINE "\n");
    kernel_set_fault(
        &(struct kernel_fault){.access = SYSFS_WRITE, .path = "etc/sysfs.conf", .first = 1, .error = EROFS});
    json_decref(testbed_ask(&testbed, "driver", TAKE_OVER));
    expect_file(&testbed, "etc/sysfs.conf", "# kept by hostpci: " DRIVER_LINE "\n");
    expect_nothing_open(&testbed);
}

/* It came after the broker. */
Test(broker_take_over, of_a_file_that_cannot_be_written_to_says_what_to_do)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    tree_write(&testbed.tree, "etc/sysfs.conf", DRIVER_LINE "\n");
    kernel_set_fault(&(struct kernel_fault){
        .access = SYSFS_WRITE, .path = "etc/sysfs.conf", .first = 1, .last = 2, .error = EROFS});
    testbed_fail(&testbed, "driver", TAKE_OVER,
                 "cannot write /etc/sysfs.conf: the broker may write only to what was there when it started: "
                 "restart it (systemctl restart hostpci-broker), and try again; " DISK " is back with nvme");
    expect_file(&testbed, "etc/sysfs.conf", DRIVER_LINE "\n");
    expect_nothing_open(&testbed);
}
