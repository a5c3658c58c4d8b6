/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operation sriov: a physical function gets and loses virtual functions. */
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/memory.h"
#include "tests/unit/broker/testbed.h"
#include "tests/unit/hardware/use/fixture.h"

#define FIRST  "0000:03:10.0"
#define SECOND "0000:03:10.2"
#define THIRD  "0000:03:10.4"

static void make(struct testbed *testbed)
{
    testbed_make(testbed);
    kernel_add_sriov(
        NETWORK,
        &(struct kernel_sriov){
            .total = 7, .offset = 128, .stride = 2, .device = 0x10ca, .group = 40, .driver = "igbvf"});
}

#define SET(count)            "{'id': '" NETWORK "', 'numvfs': " #count "}"
#define SET_MORE(count, more) "{'id': '" NETWORK "', 'numvfs': " #count ", " more "}"

static void expect_vfs(unsigned count, bool autoprobe)
{
    cr_expect_eq(kernel_vfs(NETWORK), count, "it has %u, not %u", kernel_vfs(NETWORK), count);
    cr_expect_eq(kernel_autoprobe(NETWORK), autoprobe);
}

Test(broker_sriov, makes_virtual_functions_that_stay_free)
{
    autotestbed struct testbed testbed;

    make(&testbed);
    testbed_do(&testbed, "sriov", SET(3), "{'before': 0, 'numvfs': 3}");
    expect_vfs(3, false);
    expect_binding(THIRD, "", "");
    expect_log(&testbed, NETWORK ": has 3 virtual functions, had 0 (");
    testbed_do(&testbed, "sriov", SET(0), "{'before': 3, 'numvfs': 0}");
    expect_vfs(0, false);
    expect_nothing_open(&testbed);
}

Test(broker_sriov, gives_them_drivers_of_the_host_if_asked_to)
{
    autotestbed struct testbed testbed;

    make(&testbed);
    testbed_do(&testbed, "sriov", SET_MORE(2, "'autoprobe': 1"), "{'before': 0, 'numvfs': 2}");
    expect_vfs(2, true);
    expect_binding(SECOND, "igbvf", "");
    expect_log(&testbed, SECOND ": has igbvf");
    expect_nothing_open(&testbed);
}

Test(broker_sriov, goes_from_one_count_to_another_through_none)
{
    autotestbed struct testbed testbed;

    make(&testbed);
    testbed_do(&testbed, "sriov", SET(3), "{'before': 0, 'numvfs': 3}");
    testbed_do(&testbed, "driver", "{'id': '" FIRST "', 'driver': 'vfio-pci'}",
               "{'functions': [{'id': '" FIRST "', 'before': '', 'driver': 'vfio-pci'}]}");
    testbed_do(&testbed, "sriov", SET(2), "{'before': 3, 'numvfs': 2}");
    expect_log(&testbed, FIRST " (vfio-pci): is removed; nothing is known to use it");
    expect_log(&testbed, NETWORK ": 2 virtual functions without a driver are removed");
    expect_vfs(2, false);
    expect_binding(FIRST, "", "");
    expect_nothing_open(&testbed);
}

Test(broker_sriov, does_nothing_where_nothing_is_to_do)
{
    autotestbed struct testbed testbed;

    make(&testbed);
    testbed_do(&testbed, "sriov", SET(2), "{'before': 0, 'numvfs': 2}");
    unsigned writes = kernel_count(SYSFS_WRITE);
    testbed_do(&testbed, "sriov", SET(2), "{'before': 2, 'numvfs': 2}");
    testbed_do(&testbed, "sriov", "{'id': '" NETWORK "'}", "{'before': 2, 'numvfs': 2}");
    expect_log(&testbed, NETWORK ": keeps its 2 virtual functions");
    cr_assert_eq(kernel_count(SYSFS_WRITE), writes);
    testbed_do(&testbed, "sriov", "{'id': '" NETWORK "', 'autoprobe': 1}", "{'before': 2, 'numvfs': 2}");
    expect_vfs(2, true);
}

Test(broker_sriov, refuses_while_one_is_in_use)
{
    autotestbed struct testbed testbed;

    make(&testbed);
    testbed_do(&testbed, "sriov", SET(2), "{'before': 0, 'numvfs': 2}");
    kernel_put(SECOND, "vfio-pci", "vfio-pci");
    host_open(&testbed.tree, 50, "qemu-system-x86\n", "/dev/vfio/41");
    testbed_fail(&testbed, "sriov", SET(3),
                 "what the host uses is not removed: " SECOND " (vfio-pci): given to");
    testbed_fail(&testbed, "sriov", SET(0), "qemu-system-x86");
    expect_vfs(2, false);
    expect_binding(SECOND, "vfio-pci", "vfio-pci");
    testbed_do(&testbed, "sriov", SET(2), "{'before': 2, 'numvfs': 2}");
    expect_nothing_open(&testbed);
}

Test(broker_sriov, refuses_what_cannot_be)
{
    autotestbed struct testbed testbed;

    make(&testbed);
    testbed_fail(&testbed, "sriov", SET(8), "value 8 is too large: " NETWORK " can have 7 virtual functions");
    testbed_fail(&testbed, "sriov", "{'id': '" DISK "', 'numvfs': 1}", DISK " can have no virtual functions");
    testbed_fail(&testbed, "sriov", "{'id': '0000:77:00.0', 'numvfs': 1}",
                 "no PCI device found for '0000:77:00.0'");
    kernel_put_vfs(NETWORK, 1);
    testbed_fail(&testbed, "sriov", "{'id': '" FIRST "', 'numvfs': 1}",
                 FIRST " is a virtual function itself: only " NETWORK);
    expect_nothing_open(&testbed);
}

/* What the kernel's answers mean. */
Test(broker_sriov, says_what_the_kernel_means)
{
    static const struct {
        const char *driver;
        int error; /* of more than 2 virtual functions */
        const char *message;
    } cases[] = {
        {"e1000e", ENOMEM, "(ENOMEM): the firmware left no address space"},
        {"e1000e", ENOSPC, "(ENOSPC): the card's driver has no room for so many"},
        {"e1000e", ERANGE, "(ERANGE): that is more than the device or its driver allows"},
        {"e1000e", EPERM, "(EPERM): the driver does not allow that number"},
        {"e1000e", EINVAL, "(EINVAL): the driver does not allow that number"},
        {"e1000e", EBUSY, "(EBUSY): the driver refuses while it is busy"},
        {"e1000e", EIO, "(EIO): the device does not answer as it should"},
        {"e1000e", ENOENT, "(ENOENT): its driver cannot make virtual functions through sysfs"},
        {"", 0, "(ENOENT): only a driver makes virtual functions, and none is bound: choose driver=auto"},
        {"vfio-pci", 0,
         "(ENOENT): vfio-pci makes virtual functions only if it was loaded with enable_sriov=1"},
    };
    autotestbed struct testbed testbed;

    make(&testbed);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        kernel_put(NETWORK, cases[i].driver, "");
        kernel_limit_vfs(NETWORK, 2, cases[i].error);
        testbed_fail(&testbed, "sriov", SET(3),
                     "cannot write '3' to /sys/bus/pci/devices/" NETWORK "/sriov_numvfs");
        testbed_fail(&testbed, "sriov", SET(3), cases[i].message);
        testbed_fail(&testbed, "sriov", SET(3), NETWORK " has 0 virtual functions as before");
        expect_vfs(0, true);
        expect_nothing_open_after(&testbed, cases[i].message);
    }
}

/* Virtual functions come back with the drivers that they had. */
Test(broker_sriov, brings_back_what_was_there)
{
    autotestbed struct testbed testbed;

    make(&testbed);
    testbed_do(&testbed, "sriov", SET(2), "{'before': 0, 'numvfs': 2}");
    testbed_do(&testbed, "driver", "{'id': '" SECOND "', 'driver': 'vfio-pci'}",
               "{'functions': [{'id': '" SECOND "', 'before': '', 'driver': 'vfio-pci'}]}");
    kernel_limit_vfs(NETWORK, 2, ENOMEM);
    testbed_fail(&testbed, "sriov", SET(3), SECOND " is back with vfio-pci");
    expect_vfs(2, false);
    expect_binding(FIRST, "", "");
    expect_binding(SECOND, "vfio-pci", "vfio-pci");
    expect_nothing_open(&testbed);
}

Test(broker_sriov, is_kept_and_made_again)
{
    autotestbed struct testbed testbed;

    make(&testbed);
    testbed_do(&testbed, "sriov", SET_MORE(2, "'persistent': 1"), "{'before': 0, 'numvfs': 2}");
    testbed_do(&testbed, "sriov", SET(0), "{'before': 2, 'numvfs': 0}");
    expect_log(&testbed, "what is kept for it are still 2 virtual functions");
    testbed_stop_broker(&testbed, SIGTERM);
    testbed_start_broker(&testbed);
    testbed_wait_until_idle(&testbed);
    expect_vfs(2, false);
    testbed_do(&testbed, "sriov", SET_MORE(0, "'persistent': 0"), "{'before': 2, 'numvfs': 0}");
    testbed_stop_broker(&testbed, SIGTERM);
    testbed_start_broker(&testbed);
    testbed_wait_until_idle(&testbed);
    expect_vfs(0, false);
    expect_nothing_open(&testbed);
}

Test(broker_sriov, count_is_not_kept_where_somebody_else_sets_one)
{
    autotestbed struct testbed testbed;

    make(&testbed);
    tree_write(&testbed.tree, "etc/sysfs.conf", "bus/pci/devices/" NETWORK "/sriov_numvfs = 4\n");
    testbed_fail(&testbed, "sriov", SET_MORE(2, "'persistent': 1"), "line 1 of '/etc/sysfs.conf'");
    expect_vfs(0, true);
    expect_nothing_open(&testbed);
    testbed_do(&testbed, "sriov", SET(2), "{'before': 0, 'numvfs': 2}");
    tree_delete(&testbed.tree, "etc/sysfs.conf");
    testbed_do(&testbed, "sriov", SET_MORE(3, "'persistent': 1"), "{'before': 2, 'numvfs': 3}");
}
