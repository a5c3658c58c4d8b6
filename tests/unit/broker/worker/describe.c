/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operations describe and describe-host: a device and the host with what only root may read. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "tests/unit/broker/testbed.h"
#include "tests/unit/hardware/use/fixture.h"

Test(describe, tells_all_of_a_device)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    kernel_put(DISK, "vfio-pci", "vfio-pci");
    host_open(&testbed.tree, 50, "qemu-system-x86\n", "/dev/vfio/2");
    autojson json_t *answer = testbed_ask(&testbed, "describe", "{'id': '02:00.0'}");
    const json_t *device = json_object_get(answer, "device"),
                 *readiness = json_object_get(answer, "readiness");
    expect_member(device, "id", "'" DISK "'");
    expect_member(device, "driver", "'vfio-pci'");
    expect_member(device, "driver-override", "'vfio-pci'");
    expect_member(device, "reset-methods", "['flr']");
    expect_member(device, "subsystem_vendor", "'0x10de'");
    expect_member(device, "vendor_name", NULL); /* the front knows names */
    const json_t *use = json_array_get(json_object_get(readiness, "host-use"), 0);
    expect_member(use, "message", "'given to qemu-system-x86 (pid 50), which has /dev/vfio/2 open'");
    cr_assert_not_null(json_object_get(readiness, "verdict"));
}

Test(describe, tells_all_of_the_host)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    autojson json_t *host = testbed_ask(&testbed, "describe-host", "{}");
    expect_member(host, "enabled", "1");
    expect_member(host, "groups", "4");
    cr_assert(json_is_array(json_object_get(host, "checks")));
}

Test(describe, knows_what_is_not_there)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    testbed_fail(&testbed, "describe", "{'id': '0000:77:00.0'}", "no PCI device found for '0000:77:00.0'");
    testbed_fail(&testbed, "describe", "{'id': 'nonsense'}", "id");
}
