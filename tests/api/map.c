/* SPDX-License-Identifier: GPL-2.0-or-later */
/* POST /nodes/{node}/hardware/pci/{id}/map: a mapping made from the inventory. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/look.h"

#define PCI      "/nodes/" NODE "/hardware/pci/"
#define MAPPINGS "/cluster/mapping/pci"

static void start(void)
{
    START(.host = "workstation");
}

TestSuite(map, .init = start, .timeout = 120);

DAEMON_TEST(map, makes_a_mapping_that_has_nothing_wrong)
{
    is_json(post(PCI "0000:01:00.0/map", "mapping", "gpu", "description", "the card", NULL), "null");
    const json_t *mapping = row(get(MAPPINGS, "check-node", NODE, NULL), "id", "gpu");
    is_json(member(mapping, "map"),
            "['id=10de:2484,node=" NODE ",path=0000:01:00.0,iommugroup=1,subsystem-id=10de:146b']");
    is_json(member(mapping, "checks"), "[]");
    cr_assert_str_eq(text_of(mapping, "description"), "the card");
}

/* Every device of the host can be mapped, also one without a subsystem or a group, and no check finds the
 * mapping wrong. */
DAEMON_TEST(map, every_device_becomes_a_right_entry)
{
    const json_t *devices = get("/nodes/" NODE "/hardware/pci", "pci-class-blacklist", "", NULL);
    const json_t *device;
    size_t i;

    cr_assert_gt(json_array_size(devices), 5);
    json_array_foreach(devices, i, device) {
        autofree char *path = xasprintf(PCI "%s/map", text_of(device, "id"));
        post(path, "mapping", "all", NULL);
    }
    const json_t *mapping = row(get(MAPPINGS, "check-node", NODE, NULL), "id", "all");
    cr_assert_eq(json_array_size(member(mapping, "map")), json_array_size(devices));
    is_json(member(mapping, "checks"), "[]");
}

DAEMON_TEST(map, of_a_whole_device_has_all_its_functions)
{
    post(PCI "0000:01:00.1/map", "mapping", "gpu", "scope", "device", NULL);
    const json_t *mapping = row(get(MAPPINGS, "check-node", NODE, NULL), "id", "gpu");
    is_json(member(mapping, "map"),
            "['id=10de:2484,node=" NODE ",path=0000:01:00,iommugroup=1,subsystem-id=10de:146b']");
    is_json(member(mapping, "checks"), "[]");
}

DAEMON_TEST(map, extends_a_mapping_and_keeps_the_rest)
{
    post(MAPPINGS, "id", "pool", "map", "node=pve9,path=0000:0a:00,id=1000:0001", "mdev", "1", "description",
         "old", NULL);
    post(PCI "02:00.0/map", "mapping", "pool", NULL);
    const json_t *mapping = get(MAPPINGS "/pool", NULL);
    is_json(member(mapping, "map"),
            "['id=1000:0001,node=pve9,path=0000:0a:00',"
            "'id=144d:a808,node=" NODE ",path=0000:02:00.0,iommugroup=5,subsystem-id=144d:a801']");
    cr_assert_str_eq(text_of(mapping, "description"), "old");
    cr_assert_eq(number_of(mapping, "mdev"), 1);
}

DAEMON_TEST(map, names_a_device_once)
{
    post(PCI "01:00.0/map", "mapping", "gpu", NULL);
    fails(500, "mapping 'gpu' names the device '0000:01:00.0' of node '" NODE "' already", "POST",
          PCI "0000:01:00.0/map", "mapping", "gpu", NULL);
}

DAEMON_TEST(map, device_must_be_there)
{
    fails(500, "no PCI device found for '0000:7f:00.0'", "POST", PCI "7f:00.0/map", "mapping", "gpu", NULL);
    wrong_parameter("pci-id-or-mapping", "invalid format - value is not a PCI id such as 0000:01:00.0\n",
                    "POST", PCI "gpu/map", "mapping", "gpu", NULL);
    wrong_parameter("mapping", "property is missing and it is not optional", "POST", PCI "01:00.0/map", NULL);
    is_json(get(MAPPINGS, NULL), "[]");
}
