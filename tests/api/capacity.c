/* SPDX-License-Identifier: GPL-2.0-or-later */
/* GET /cluster/mapping/pci/{id}/capacity: how many of a mapping's devices there are, and how many of them are
 * free. */
#include <criterion/criterion.h>

#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/look.h"
#include "tests/api/reservation.h"

#define MAPPINGS "/cluster/mapping/pci"
#define FUNCTION "id=8086:154c,subsystem-id=8086:0001"

TestSuite(capacity, .timeout = 120);

static void reserve(long long vmid, const char *device)
{
    reservation_put(vmid, &(const struct reservation){.device = device, .key = "hostpci0"});
}

DAEMON_TEST(capacity, counts_the_alternatives_of_each_node)
{
    START(.host = "sriov");
    post(MAPPINGS, "id", "vfs", "map", "node=" NODE ",path=0000:3b:02.0," FUNCTION ",iommugroup=16", "map",
         "node=" NODE ",path=0000:3b:02.1," FUNCTION ",iommugroup=17", "map",
         "node=pve9,path=0000:3b:02.0," FUNCTION, "map", "node=pve9,path=0000:3b:02.1," FUNCTION, NULL);
    is_json(get(MAPPINGS "/vfs/capacity", NULL),
            "[{'node':'" NODE "','online':1,'total':2,'free':2,'used':[]},"
            "{'node':'pve9','online':0,'total':2,'free':0,'used':[]}]");
}

DAEMON_TEST(capacity, what_changed_is_not_free)
{
    START(.host = "sriov");
    post(MAPPINGS, "id", "vfs", "map", "node=" NODE ",path=0000:3b:02.0," FUNCTION ",iommugroup=16", "map",
         "node=" NODE ",path=0000:3b:02.1," FUNCTION ",iommugroup=99", "map",
         "node=" NODE ",path=0000:7f:00.0," FUNCTION, NULL);
    is_json(get(MAPPINGS "/vfs/capacity", NULL),
            "[{'node':'" NODE "','online':1,'total':3,'free':1,'used':[]}]");
}

DAEMON_TEST(capacity, tells_who_has_what_until_the_vm_ends)
{
    START(.host = "workstation");
    post(MAPPINGS, "id", "gpu", "map",
         "node=" NODE ",path=0000:01:00,id=10de:2484,subsystem-id=10de:146b,iommugroup=1", "map",
         "node=" NODE ",path=0000:02:00.0,id=144d:a808,subsystem-id=144d:a801,iommugroup=5", NULL);
    daemon_stop();
    reserve(101, "0000:01:00.1");
    daemon_start_again();
    is_json(get(MAPPINGS "/gpu/capacity", NULL),
            "[{'node':'" NODE "','online':1,'total':2,'free':1,'used':[{'path':'0000:01:00','vmid':101}]}]");
    reservation_end(101);
    is_json(get(MAPPINGS "/gpu/capacity", NULL),
            "[{'node':'" NODE "','online':1,'total':2,'free':2,'used':[]}]");
}

/* The host has one instance already, of which no reservation is known. */
DAEMON_TEST(capacity, counts_mediated_devices_of_a_type)
{
    START(.host = "mdev");
    post(MAPPINGS, "id", "igpu", "mdev", "1", "map",
         "node=" NODE ",path=0000:00:02.0,id=8086:5912,subsystem-id=1028:07a1,iommugroup=1", "map",
         "node=pve9,path=0000:00:02.0,id=8086:5912", NULL);
    daemon_stop();
    reservation_put(101, &(const struct reservation){.device = "00000000-0000-0000-0000-000000000101",
                                                     .key = "hostpci0",
                                                     .parent = "0000:00:02.0",
                                                     .type = "i915-GVTg_V5_8"});
    daemon_start_again();
    is_json(get(MAPPINGS "/igpu/capacity", "mdev", "i915-GVTg_V5_8", NULL),
            "[{'node':'" NODE "','online':1,'total':5,'free':3,'used':["
            "{'path':'0000:00:02.0','vmid':101},{'path':'0000:00:02.0'}]},"
            "{'node':'pve9','online':0,'total':0,'free':0,'used':[]}]");
    is_json(get(MAPPINGS "/igpu/capacity", "mdev", "i915-GVTg_V5_4", NULL),
            "[{'node':'" NODE "','online':1,'total':1,'free':1,'used':[]},"
            "{'node':'pve9','online':0,'total':0,'free':0,'used':[]}]");
    is_json(json_array_get(get(MAPPINGS "/igpu/capacity", NULL), 0),
            "{'node':'" NODE "','online':1,'total':1,'free':0,'used':[{'path':'0000:00:02.0','vmid':101}]}");
}

/* The card's vGPUs share its memory: of those that are left, only the next one is sure. */
DAEMON_TEST(capacity, counts_nvidias_functions_as_what_they_can_become)
{
    START(.host = "nvidia");
    post(MAPPINGS, "id", "l40s", "mdev", "1", "map",
         "node=" NODE ",path=0000:41:00.4,id=10de:26b9,subsystem-id=10de:1851,iommugroup=10", "map",
         "node=" NODE ",path=0000:41:00.5,id=10de:26b9,subsystem-id=10de:1851,iommugroup=11", "map",
         "node=" NODE ",path=0000:41:00.6,id=10de:26b9,subsystem-id=10de:1851,iommugroup=12", NULL);
    daemon_stop();
    reservation_put(
        101, &(const struct reservation){.device = "0000:41:00.4", .key = "hostpci0", .type = "nvidia-1147"});
    daemon_start_again();
    is_json(get(MAPPINGS "/l40s/capacity", "mdev", "nvidia-1147", NULL),
            "[{'node':'" NODE "','online':1,'total':2,'free':1,'used':["
            "{'path':'0000:41:00.4','vmid':101}]}]");
}

DAEMON_TEST(capacity, of_a_mapping_that_is_not_there)
{
    START(.host = "workstation");
    fails(500, "mapping 'none' not found", "GET", MAPPINGS "/none/capacity", NULL);
}
