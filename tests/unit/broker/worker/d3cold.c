/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operation d3cold: a function is kept from losing its power, now and at each start. */
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>

#include "base/json.h"
#include "base/memory.h"
#include "tests/unit/broker/testbed.h"

#define FORBID "{'id': '" DISK "', 'd3cold-allowed': 0}"
#define KEEP   "{'id': '" DISK "', 'd3cold-allowed': 0, 'persistent': 1}"

static void restart(struct testbed *testbed)
{
    testbed_stop_broker(testbed, SIGTERM);
    testbed_start_broker(testbed);
    testbed_wait_until_idle(testbed);
}

Test(broker_d3cold, is_forbidden_and_allowed_again)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    testbed_do(&testbed, "d3cold", FORBID, "{'before': 1, 'd3cold-allowed': 0}");
    cr_assert_not(kernel_d3cold(DISK));
    cr_assert(kernel_d3cold(NETWORK));
    expect_log(&testbed, DISK ": is never put into D3cold");
    unsigned writes = kernel_count(SYSFS_WRITE);
    testbed_do(&testbed, "d3cold", FORBID, "{'before': 0, 'd3cold-allowed': 0}");
    testbed_do(&testbed, "d3cold", "{'id': '" DISK "'}", "{'before': 0, 'd3cold-allowed': 0}");
    cr_assert_eq(kernel_count(SYSFS_WRITE), writes);
    testbed_do(&testbed, "d3cold", "{'id': '" DISK "', 'd3cold-allowed': 1}",
               "{'before': 0, 'd3cold-allowed': 1}");
    cr_assert(kernel_d3cold(DISK));
    expect_binding(DISK, "nvme", "");
    expect_nothing_open(&testbed);
}

Test(broker_d3cold, is_kept_and_forgotten)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    json_decref(testbed_ask(&testbed, "d3cold", KEEP));
    autojson json_t *kept = testbed_ask(&testbed, "state", "{'id': '" DISK "'}");
    expect_member(json_object_get(json_object_get(kept, "functions"), DISK), "d3cold",
                  "{'d3cold-allowed': 0, 'vendor': 5197, 'device': 43016}");
    kernel_put_d3cold(DISK, true); /* as after a reboot */
    restart(&testbed);
    cr_assert_not(kernel_d3cold(DISK));
    json_decref(testbed_ask(&testbed, "d3cold", "{'id': '" DISK "', 'd3cold-allowed': 1, 'persistent': 0}"));
    kernel_put_d3cold(DISK, true);
    restart(&testbed);
    cr_assert(kernel_d3cold(DISK));
}

/* What is kept beside it needs the same function. */
Test(broker_d3cold, is_kept_beside_a_driver)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    json_decref(testbed_ask(&testbed, "d3cold", KEEP));
    json_decref(testbed_ask(&testbed, "driver", "{'id': '" DISK "', 'driver': 'vfio-pci', 'persistent': 1}"));
    kernel_put_d3cold(DISK, true);
    kernel_put(DISK, "nvme", "");
    restart(&testbed);
    cr_assert_not(kernel_d3cold(DISK));
    expect_binding(DISK, "vfio-pci", "vfio-pci");
}

Test(broker_d3cold, says_what_the_kernel_refused)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    kernel_set_fault(
        &(struct kernel_fault){.access = SYSFS_WRITE, .path = "d3cold_allowed", .first = 1, .error = EPERM});
    testbed_fail(&testbed, "d3cold", FORBID,
                 "cannot write '0' to /sys/bus/pci/devices/" DISK
                 "/d3cold_allowed: Operation not permitted (EPERM): the broker is not root, or the kernel is "
                 "locked down; " DISK " may be put into D3cold as before");
    cr_assert(kernel_d3cold(DISK));
    expect_nothing_open(&testbed);
}
