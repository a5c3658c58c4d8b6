/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mediated devices: .../hardware/pci/{pci-id-or-mapping}/mdev lists types, .../hardware/mdev instances. */
#include <criterion/criterion.h>

#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/look.h"

#define PCI  "/nodes/" NODE "/hardware/pci"
#define MDEV "/nodes/" NODE "/hardware/mdev"

TestSuite(mdev, .timeout = 120);

static const char i915_types[] =
    "[{'type':'i915-GVTg_V5_4','available':1,'description':'low_gm_size: 128MB\\n"
    "high_gm_size: 512MB\\nfence: 4\\nresolution: 1920x1200\\nweight: 4'},"
    "{'type':'i915-GVTg_V5_8','available':3,'description':'low_gm_size: 64MB\\n"
    "high_gm_size: 384MB\\nfence: 4\\nresolution: 1024x768\\nweight: 2'}]";

DAEMON_TEST(mdev, types_of_a_device)
{
    START(.host = "mdev");
    is_json(get(PCI "/0000:00:02.0/mdev", NULL), i915_types);
    is_json(get(PCI "/0000:00:14.0/mdev", NULL), "[]");
}

DAEMON_TEST(mdev, types_of_a_mapping_are_those_of_its_devices_here)
{
    START(.host = "mdev");
    post("/cluster/mapping/pci", "id", "igpu", "mdev", "1", "map",
         "node=" NODE ",path=0000:00:02.0,id=8086:5912", "map", "node=pve9,path=0000:00:14.0,id=8086:a2af",
         NULL);
    is_json(get(PCI "/igpu/mdev", NULL), i915_types);
    post("/cluster/mapping/pci", "id", "elsewhere", "map", "node=pve9,path=0000:00:02.0,id=8086:5912", NULL);
    is_json(get(PCI "/elsewhere/mdev", NULL), "[]");
}

/* As in Proxmox. */
DAEMON_TEST(mdev, types_of_what_does_not_exist_are_none)
{
    START(.host = "mdev");
    is_json(get(PCI "/0000:7f:00.0/mdev", NULL), "[]");
    is_json(get(PCI "/no-such-mapping/mdev", NULL), "[]");
}

DAEMON_TEST(mdev, types_of_nvidias_own_interface)
{
    START(.host = "nvidia");
    is_json(get(PCI "/0000:41:00.5/mdev", NULL),
            "[{'type':'nvidia-1145','name':'NVIDIA L40S-1B','available':1,'description':''},"
            "{'type':'nvidia-1147','name':'NVIDIA L40S-1Q','available':1,'description':''}]");
    const json_t *used = get(PCI "/0000:41:00.4/mdev", NULL);
    cr_assert_eq(number_of(row(used, "type", "nvidia-1145"), "available"), 0,
                 "the function has a vGPU already");
    is_json(get(PCI "/0000:41:00.0/mdev", NULL), "[]");
    is_json(get(PCI "/0000:c1:00.5/mdev", NULL), "[]");
}

DAEMON_TEST(mdev, types_of_a_mapping_over_several_functions_are_there_once)
{
    START(.host = "nvidia");
    post("/cluster/mapping/pci", "id", "l40s", "mdev", "1", "map",
         "node=" NODE ",path=0000:41:00.5,id=10de:26b9", "map",
         "node=" NODE ",path=0000:41:00.6,id=10de:26b9", NULL);
    cr_assert_eq(json_array_size(get(PCI "/l40s/mdev", NULL)), 2);
}

DAEMON_TEST(mdev, instances)
{
    START(.host = "mdev");
    is_json(get(MDEV, NULL), "[{'uuid':'d577a7cf-2595-44d8-9c08-c67358dcf7ac','parent':'0000:00:02.0',"
                             "'type':'i915-GVTg_V5_8'}]");
}

DAEMON_TEST(mdev, broken_host_shows_the_types_that_can_be_read)
{
    START(.host = "broken");
    const json_t *types = get(PCI "/0000:01:00.0/mdev", NULL);
    cr_assert_eq(number_of(row(types, "type", "good-type"), "available"), 2);
    is_json(get(MDEV, NULL), "[]");
}
