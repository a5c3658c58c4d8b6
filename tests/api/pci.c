/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /nodes/{node}/hardware/pci: the list of devices, on hosts of every kind. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/host.h"
#include "tests/api/look.h"

#define PCI "/nodes/" NODE "/hardware/pci"

TestSuite(pci, .timeout = 120);

static void check_ids(const json_t *list, const char *expected)
{
    autojson json_t *ids = json_array();
    size_t i;
    json_t *device;

    json_array_foreach(list, i, device)
        json_array_append(ids, json_object_get(device, "id"));
    is_json(ids, expected);
}

DAEMON_TEST(pci, row_has_what_clients_of_proxmox_read)
{
    START(.host = "workstation");
    is_json(
        row(get(PCI, NULL), "id", "0000:02:00.0"),
        "{'id':'0000:02:00.0','class':'0x010802','vendor':'0x144d','device':'0xa808','iommugroup':5,"
        "'subsystem_vendor':'0x144d','subsystem_device':'0xa801','driver':'nvme',"
        "'vendor_name':'Samsung Electronics Co Ltd','device_name':'NVMe SSD Controller SM981/PM981/PM983',"
        "'subsystem_vendor_name':'Samsung Electronics Co Ltd','subsystem_device_name':'SSD 970 EVO'}");
}

/* The web interface of Proxmox sends "undefined" later if one of them is left out. */
DAEMON_TEST(pci, row_always_has_subsystem_and_group)
{
    START(.host = "workstation");
    const json_t *bridge = row(get(PCI, "pci-class-blacklist", "", NULL), "id", "0000:00:01.0");
    cr_assert_str_eq(text_of(bridge, "subsystem_vendor"), "0x0000");
    cr_assert_str_eq(text_of(bridge, "subsystem_device"), "0x0000");
    cr_assert_eq(number_of(bridge, "iommugroup"), 1);
    cr_assert_not(has(bridge, "mdev"), "only there when it is 1");
}

DAEMON_TEST(pci, list_is_sorted_and_leaves_out_memory_bridges_and_processors)
{
    START(.host = "workstation");
    check_ids(get(PCI, NULL), "['0000:00:14.0','0000:00:17.0','0000:00:1f.3','0000:00:1f.4','0000:00:1f.6',"
                              "'0000:01:00.0','0000:01:00.1','0000:02:00.0']");
}

DAEMON_TEST(pci, blacklist_is_of_class_prefixes)
{
    START(.host = "workstation");
    cr_assert_eq(json_array_size(get(PCI, "pci-class-blacklist", "", NULL)), 12,
                 "an empty one hides nothing");
    check_ids(get(PCI, "pci-class-blacklist", "0c,06 02;01", NULL),
              "['0000:00:1f.3','0000:01:00.0','0000:01:00.1']");
    cr_assert_not(has_row(get(PCI, "pci-class-blacklist", "0604", NULL), "id", "0000:00:01.0"));
    cr_assert(has_row(get(PCI, "pci-class-blacklist", "0604", NULL), "id", "0000:00:00.0"), "0x060000 stays");
    cr_assert_not(has_row(get(PCI, "pci-class-blacklist", "0x030000", NULL), "id", "0000:01:00.0"));
    cr_assert_eq(json_array_size(get(PCI, "pci-class-blacklist", "06", "pci-class-blacklist", "0c", NULL)), 6,
                 "repeated is as if sent in one");
}

DAEMON_TEST(pci, list_can_be_brief)
{
    START(.host = "nvidia");
    is_json(row(get(PCI, "verbose", "0", NULL), "id", "0000:41:00.4"),
            "{'id':'0000:41:00.4','class':'0x030200','vendor':'0x10de','device':'0x26b9','iommugroup':10,'"
            "mdev':1,"
            "'nvidia':1}");
    wrong_parameter("verbose", "type check ('boolean') failed - got 'yes'", "GET", PCI, "verbose", "yes",
                    NULL);
}

DAEMON_TEST(pci, virtual_functions_and_their_physical_one_name_each_other)
{
    START(.host = "sriov");
    const json_t *list = get(PCI, NULL);
    const json_t *port = row(list, "id", "0000:3b:00.1"), *functions = member(port, "virtfns");
    const char *name, *id;
    json_t *value;

    cr_assert_eq(json_object_size(functions), 32);
    cr_assert_str_eq(text_of(functions, "virtfn0"), "0000:3b:0a.0");
    cr_assert_str_eq(text_of(functions, "virtfn31"), "0000:3b:0d.7");
    json_object_foreach(json_object_get(port, "virtfns"), name, value) {
        id = json_string_value(value);
        cr_assert_str_eq(text_of(row(list, "id", id), "physfn"), "0000:3b:00.1", "%s is %s", name, id);
    }
    cr_assert_eq(number_of(row(list, "id", "0000:3b:0a.3"), "iommugroup"), 51);
    cr_assert_not(has(row(list, "id", "0000:d8:00.0"), "virtfns"), "it could have some, and has none");
    cr_assert_not(has(port, "physfn"));
}

DAEMON_TEST(pci, mediated_devices_are_announced)
{
    START(.host = "mdev");
    const json_t *list = get(PCI, NULL);
    cr_assert_eq(number_of(row(list, "id", "0000:00:02.0"), "mdev"), 1);
    cr_assert_not(has(row(list, "id", "0000:00:02.0"), "nvidia"));
    cr_assert_not(has(row(list, "id", "0000:00:14.0"), "mdev"));
}

DAEMON_TEST(pci, without_iommu_no_device_has_a_group)
{
    START(.host = "no-iommu");
    const json_t *list = get(PCI, "pci-class-blacklist", "", NULL);
    size_t i;
    json_t *device;

    cr_assert_eq(json_array_size(list), 12);
    json_array_foreach(list, i, device)
        cr_assert_eq(number_of(device, "iommugroup"), -1);
}

DAEMON_TEST(pci, domain_above_ffff)
{
    START(.host = "big-domain");
    check_ids(get(PCI, NULL), "['0000:00:0e.0','10000:e1:00.0','10000:e2:00.0']");
    cr_assert_str_eq(text_of(get(PCI "/10000:e1:00.0/status", NULL), "id"), "10000:e1:00.0");
    is_json(member(get(PCI "/10000:e1:00.0/status", NULL), "peers"),
            "['0000:00:0e.0','10000:e0:06.0','10000:e0:1d.0','10000:e2:00.0']");
}

/* What cannot be read is left out; what can is there, whatever is wrong beside it. */
DAEMON_TEST(pci, broken_host_shows_what_can_be_read)
{
    START(.host = "broken");
    const json_t *list = get(PCI, NULL);
    size_t i;
    json_t *device;

    cr_assert_eq(number_of(row(list, "id", "0000:01:00.0"), "iommugroup"), 1);
    cr_assert_not(has_row(list, "id", "0000:03:00.0"), "it has no modalias");
    cr_assert_not(has_row(list, "id", "0000:03:02.0"), "its modalias is truncated");
    cr_assert_not(has_row(list, "id", "0000:03:03.0"), "its modalias is garbage");
    cr_assert_eq(number_of(row(list, "id", "0000:03:0d.0"), "iommugroup"), -1, "its group is no number");
    json_array_foreach(list, i, device) {
        const char *id = text_of(device, "id");
        autofree char *path = xasprintf(PCI "/%s/status", id);
        cr_assert_str_eq(text_of(get(path, NULL), "id"), id);
    }
}

/* The kernel takes a device away while it is being listed: link without folder, folder without files. */
DAEMON_TEST(pci, device_that_vanishes_between_two_reads_is_left_out)
{
    START(.host = "vanishing");
    const json_t *list = get(PCI, "pci-class-blacklist", "", NULL);
    cr_assert_eq(json_array_size(list), 12);
    cr_assert_not(has_row(list, "id", "0000:03:00.0"));
    cr_assert_not(has_row(list, "id", "0000:04:00.0"));
    fails(500, "no PCI device found for '0000:03:00.0'", "GET", PCI "/0000:03:00.0/status", NULL);
    fails(500, "no PCI device found for '0000:04:00.0'", "GET", PCI "/0000:04:00.0/status", NULL);
}

DAEMON_TEST(pci, unplugged_device_is_gone_at_the_next_call)
{
    START(.host = "workstation");
    cr_assert(has_row(get(PCI, NULL), "id", "0000:02:00.0"));
    host_unplug("0000:02:00.0");
    cr_assert_not(has_row(get(PCI, NULL), "id", "0000:02:00.0"));
    fails(500, "no PCI device found for '0000:02:00.0'", "GET", PCI "/0000:02:00.0/status", NULL);
}

/* With --inventory cached it stays until the kernel, or we ourselves, say that something changed. */
DAEMON_TEST(pci, cached_inventory_is_kept)
{
    START(.host = "workstation", .arguments = (const char *const[]){"--inventory", "cached", NULL});
    host_unplug("0000:02:00.0");
    cr_assert(has_row(get(PCI, NULL), "id", "0000:02:00.0"));
}

DAEMON_TEST(pci, names_follow_the_file_of_names)
{
    START(.host = "workstation");
    host_write("usr/share/misc/pci.ids", "144d  Another Name\n\ta808  Another Drive\n");
    const json_t *drive = row(get(PCI, NULL), "id", "0000:02:00.0");
    cr_assert_str_eq(text_of(drive, "vendor_name"), "Another Name");
    cr_assert_str_eq(text_of(drive, "device_name"), "Another Drive");
    cr_assert_not(has(drive, "subsystem_device_name"));
}

DAEMON_TEST(pci, large_host_is_listed_whole)
{
    START(.host = "many", .count = "1024");
    const json_t *list = get(PCI, "pci-class-blacklist", "", NULL);
    const char *before = "";

    cr_assert_eq(json_array_size(list), 1024);
    for (size_t i = 0; i < 1024; i++) {
        const char *id = text_of(json_array_get(list, i), "id");
        cr_assert(strlen(id) > strlen(before) || strcmp(id, before) > 0, "%s before %s", before, id);
        before = id;
    }
}
