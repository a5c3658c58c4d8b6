/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who has a device: `used-by` of its status, and `vmid` of mediated devices. */
#include <criterion/criterion.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/documents.h"
#include "tests/api/look.h"
#include "tests/api/reservation.h"

#define PCI  "/nodes/" NODE "/hardware/pci"
#define MDEV "/nodes/" NODE "/hardware/mdev"

TestSuite(used_by, .timeout = 120);

static const json_t *user_of(const char *path)
{
    return member(get(path, NULL), "used-by");
}

DAEMON_TEST(used_by, the_first_vm_that_is_configured_with_it)
{
    START(.host = "workstation");
    cr_assert_not(has(get(PCI "/0000:01:00.0/status", NULL), "used-by"));
    daemon_stop();
    document_put("vm", "1000", "{'node': '" NODE "', 'config': {'hostpci0': '0000:01:00,pcie=1'}}");
    document_put("vm", "200", "{'node': '" NODE "', 'config': {}, 'pending': {'hostpci2': 'host=01:00.0'}}");
    document_put("vm", "100", "{'node': 'pve9', 'config': {'hostpci0': '0000:01:00.0'}}");
    document_put("vm", "300", "{'node': '" NODE "', 'config': {'hostpci1': 'mapping=nvme'}}");
    daemon_start_again();
    is_json(user_of(PCI "/0000:01:00.0/status"), "{'vmid':200,'key':'hostpci2','state':'configured'}");
    is_json(user_of(PCI "/0000:01:00.1/status"), "{'vmid':1000,'key':'hostpci0','state':'configured'}");
    cr_assert_not(has(get(PCI "/0000:02:00.0/status", NULL), "used-by"));
    post(PCI "/0000:02:00.0/map", "mapping", "nvme", NULL);
    is_json(user_of(PCI "/0000:02:00.0/status"), "{'vmid':300,'key':'hostpci1','state':'configured'}");
}

DAEMON_TEST(used_by, the_vm_that_runs_with_it_before_others)
{
    START(.host = "workstation");
    daemon_stop();
    document_put("vm", "100", "{'node': '" NODE "', 'config': {'hostpci0': '0000:01:00.0'}}");
    reservation_put(101, &(const struct reservation){.device = "0000:01:00.0", .key = "hostpci3"});
    daemon_start_again();
    is_json(user_of(PCI "/0000:01:00.0/status"), "{'vmid':101,'key':'hostpci3','state':'running'}");
    reservation_end(101);
    is_json(user_of(PCI "/0000:01:00.0/status"), "{'vmid':100,'key':'hostpci0','state':'configured'}");
}

/* A mediated device of the host's graphics. */
static void make_instance(const char *uuid)
{
    autofree char *root = xasprintf("%s/../host/sys", daemon_state());
    autofree char *own = xasprintf("%s/devices/pci0000:00/0000:00:02.0/%s", root, uuid);
    autofree char *type = xasprintf("%s/mdev_type", own);
    autofree char *link = xasprintf("%s/bus/mdev/devices/%s", root, uuid);
    autofree char *target = xasprintf("../../../devices/pci0000:00/0000:00:02.0/%s", uuid);
    struct error err;

    cr_assert_eq(file_make_folder(own, 0755, &err), 0, "%s", err.message);
    cr_assert_eq(symlink("../mdev_supported_types/i915-GVTg_V5_4", type), 0);
    cr_assert_eq(symlink(target, link), 0);
}

/* One is named after its VM, one is reserved under another name, and of one the VM is not known. */
DAEMON_TEST(used_by, mediated_devices_and_their_parent)
{
    START(.host = "mdev");
    daemon_stop();
    reservation_put(101, &(const struct reservation){.device = "d577a7cf-2595-44d8-9c08-c67358dcf7ac",
                                                     .key = "hostpci2",
                                                     .parent = "0000:00:02.0",
                                                     .type = "i915-GVTg_V5_8"});
    daemon_start_again();
    is_json(user_of(PCI "/0000:00:02.0/status"), "{'vmid':101,'key':'hostpci2','state':'running'}");
    is_json(get(MDEV, NULL), "[{'id':'d577a7cf-2595-44d8-9c08-c67358dcf7ac',"
                             "'uuid':'d577a7cf-2595-44d8-9c08-c67358dcf7ac','parent':'0000:00:02.0',"
                             "'type':'i915-GVTg_V5_8','state':'active','vmid':101}]");
    reservation_end(101);
    make_instance("00000003-0000-0000-0000-000000000777");
    is_json(get(MDEV, NULL), "[{'id':'00000003-0000-0000-0000-000000000777',"
                             "'uuid':'00000003-0000-0000-0000-000000000777','parent':'0000:00:02.0',"
                             "'type':'i915-GVTg_V5_4','state':'leftover','vmid':777},"
                             "{'id':'d577a7cf-2595-44d8-9c08-c67358dcf7ac',"
                             "'uuid':'d577a7cf-2595-44d8-9c08-c67358dcf7ac','parent':'0000:00:02.0',"
                             "'type':'i915-GVTg_V5_8','state':'active'}]");
}
