/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /cluster/mapping/pci?check-node=: mappings compared with the hardware, and what is said after it changed.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/host.h"
#include "tests/api/look.h"

#define MAPPINGS "/cluster/mapping/pci"
#define DEVICE   "sys/bus/pci/devices/0000:02:00.0"
#define RIGHT    "node=" NODE ",path=0000:02:00.0,id=144d:a808,subsystem-id=144d:a801,iommugroup=5"
#define INVALID  "PCI device mapping invalid (hardware probably changed): "

static void start(void)
{
    START(.host = "workstation");
}

TestSuite(mapping_check, .init = start, .timeout = 120);

static const json_t *checks_of(const char *id)
{
    return member(row(get(MAPPINGS, "check-node", NODE, NULL), "id", id), "checks");
}

static void has_no_checks(const char *id)
{
    is_json(checks_of(id), "[]");
}

static void has_check(const char *id, const char *severity, const char *message)
{
    const json_t *checks = checks_of(id);

    cr_assert_eq(json_array_size(checks), 1);
    cr_assert_str_eq(text_of(json_array_get(checks, 0), "severity"), severity);
    cr_assert_str_eq(text_of(json_array_get(checks, 0), "message"), message);
}

/* "144D:A808", "144D:A801" */
static void set_ids(const char *id, const char *subsystem)
{
    autofree char *text = xasprintf("pci:v0000%.4sd0000%.4ssv0000%.4ssd0000%.4sbc01sc08i02\n", id, id + 5,
                                    subsystem, subsystem + 5);

    host_write(DEVICE "/modalias", text);
}

DAEMON_TEST(mapping_check, right_one_has_none)
{
    post(MAPPINGS, "id", "drive", "map", RIGHT, NULL);
    has_no_checks("drive");
    cr_assert_not(has(row(get(MAPPINGS, NULL), "id", "drive"), "checks"), "only when they are asked for");
    has_no_checks("drive");
}

/* What the user would write who reads the list of devices. */
DAEMON_TEST(mapping_check, one_made_from_the_list_of_devices_is_right)
{
    const json_t *devices = get("/nodes/" NODE "/hardware/pci", "pci-class-blacklist", "", NULL);
    size_t i;
    json_t *device;

    json_array_foreach(devices, i, device) {
        autofree char *id = xasprintf("device-%zu", i);
        autofree char *entry =
            xasprintf("node=" NODE ",path=%s,id=%s:%s,subsystem-id=%s:%s,iommugroup=%lld",
                      text_of(device, "id"), text_of(device, "vendor") + 2, text_of(device, "device") + 2,
                      text_of(device, "subsystem_vendor") + 2, text_of(device, "subsystem_device") + 2,
                      number_of(device, "iommugroup"));
        post(MAPPINGS, "id", id, "map", entry, NULL);
        has_no_checks(id);
    }
}

DAEMON_TEST(mapping_check, localhost_is_this_node_and_no_other_can_be_asked)
{
    post(MAPPINGS, "id", "drive", "map", RIGHT, NULL);
    is_json(member(row(get(MAPPINGS, "check-node", "localhost", NULL), "id", "drive"), "checks"), "[]");
    fails(500, "hostname lookup 'pve9' failed - no such node: this one is '" NODE "'", "GET", MAPPINGS,
          "check-node", "pve9", NULL);
}

DAEMON_TEST(mapping_check, device_is_gone)
{
    post(MAPPINGS, "id", "drive", "map", RIGHT, NULL);
    host_unplug("0000:02:00.0");
    has_check("drive", "error", INVALID "pci device '0000:02:00.0' not found");
}

DAEMON_TEST(mapping_check, device_has_moved)
{
    post(MAPPINGS, "id", "drive", "map",
         "node=" NODE ",path=0000:09:00.0,id=144d:a808,subsystem-id=144d:a801,iommugroup=5", NULL);
    has_check("drive", "error",
              INVALID "pci device '0000:09:00.0' not found, but a device 144d:a808 is at 0000:02:00.0");
}

DAEMON_TEST(mapping_check, another_device_is_there)
{
    post(MAPPINGS, "id", "drive", "map", RIGHT, NULL);
    set_ids("144D:A809", "144D:A801");
    has_check("drive", "error", INVALID "'id' does not match for 'drive' (144d:a809 != 144d:a808)");
}

DAEMON_TEST(mapping_check, subsystem_differs_is_missing_or_too_much)
{
    post(MAPPINGS, "id", "drive", "map", RIGHT, NULL);
    post(MAPPINGS, "id", "brief", "map", "node=" NODE ",path=0000:02:00.0,id=144d:a808,iommugroup=5", NULL);
    has_check("brief", "error",
              INVALID "missing expected property 'subsystem-id' for device '0000:02:00.0': it is 144d:a801");
    set_ids("144D:A808", "1028:0001");
    has_check("drive", "error", INVALID "'subsystem-id' does not match for 'drive' (1028:0001 != 144d:a801)");
    set_ids("144D:A808", "0000:0000");
    has_check("drive", "error",
              INVALID "unexpected property 'subsystem-id' for device '0000:02:00.0', which has none");
    has_no_checks("brief");
}

DAEMON_TEST(mapping_check, group_differs_is_missing_or_too_much)
{
    post(MAPPINGS, "id", "drive", "map", RIGHT, NULL);
    post(MAPPINGS, "id", "brief", "map",
         "node=" NODE ",path=0000:02:00.0,id=144d:a808,subsystem-id=144d:a801", NULL);
    has_check("brief", "error",
              INVALID "missing expected property 'iommugroup' for device '0000:02:00.0': it is 5");
    host_relink(DEVICE "/iommu_group", "../../../../kernel/iommu_groups/7");
    has_check("drive", "error", INVALID "'iommugroup' does not match for 'drive' (7 != 5)");
    host_remove(DEVICE "/iommu_group");
    has_check("drive", "error",
              INVALID "unexpected property 'iommugroup' for device '0000:02:00.0', which has none");
    has_no_checks("brief");
}

/* Proxmox's web interface writes -1 for a device without a group, and 0000:0000 for one without a subsystem.
 */
DAEMON_TEST(mapping_check, what_a_device_does_not_have_may_be_written_as_nothing)
{
    host_remove(DEVICE "/iommu_group");
    post(MAPPINGS, "id", "drive", "map",
         "node=" NODE ",path=0000:02:00.0,id=144d:a808,subsystem-id=144d:a801,iommugroup=-1", NULL);
    has_no_checks("drive");
    post(MAPPINGS, "id", "port", "map",
         "node=" NODE ",path=0000:00:1c.0,id=8086:a290,subsystem-id=0000:0000,iommugroup=4", NULL);
    has_no_checks("port");
}

DAEMON_TEST(mapping_check, whole_device_is_checked_by_its_first_function)
{
    post(MAPPINGS, "id", "card", "map",
         "node=" NODE ",path=0000:01:00,id=10DE:2484,subsystem-id=10DE:146B,iommugroup=1", NULL);
    has_no_checks("card");
}

DAEMON_TEST(mapping_check, of_a_list_every_device_is_checked_and_the_group_of_the_first)
{
    post(MAPPINGS, "id", "two", "map",
         "node=" NODE ",path=0000:02:00.0;0000:02:00.1,id=144d:a808,subsystem-id=144d:a801,iommugroup=5",
         NULL);
    has_check("two", "error", INVALID "pci device '0000:02:00.1' not found");
}

DAEMON_TEST(mapping_check, every_wrong_entry_is_told)
{
    post(MAPPINGS, "id", "wrong", "map", "node=" NODE ",path=0000:0a:00.0,id=1000:0001", "map", RIGHT, "map",
         "node=" NODE ",path=0000:0b:00.0,id=1000:0001", NULL);
    const json_t *checks = checks_of("wrong");
    cr_assert_eq(json_array_size(checks), 2);
    cr_assert_not_null(strstr(text_of(json_array_get(checks, 1), "message"), "0000:0b:00.0"));
}

DAEMON_TEST(mapping_check, node_without_an_entry_is_a_warning)
{
    post(MAPPINGS, "id", "elsewhere", "map", "node=pve9,path=0000:02:00.0,id=144d:a808", NULL);
    has_check("elsewhere", "warning", "No mapping for node " NODE ".");
}

static void start_sriov(void)
{
    START(.host = "sriov");
}

TestSuite(mapping_check_vf, .init = start_sriov, .timeout = 120);

/* d8:00.0 could have 128 VFs behind its offset of 8, and has none. */
DAEMON_TEST(mapping_check_vf, that_does_not_exist_yet_is_told_from_one_that_is_gone)
{
    post(MAPPINGS, "id", "vf", "map", "node=" NODE ",path=0000:d8:01.0,id=8086:1889", NULL);
    has_check("vf", "error",
              INVALID
              "pci device '0000:d8:01.0' not found: it is VF 0 of 0000:d8:00.0, which has 0 of 128 VFs");
    post(MAPPINGS, "id", "last", "map", "node=" NODE ",path=0000:d8:10.7,id=8086:1889", NULL);
    has_check("last", "error",
              INVALID
              "pci device '0000:d8:10.7' not found: it is VF 127 of 0000:d8:00.0, which has 0 of 128 VFs");
    post(MAPPINGS, "id", "none", "map", "node=" NODE ",path=0000:d8:11.0,id=8086:1889", NULL);
    has_check("none", "error", INVALID "pci device '0000:d8:11.0' not found");
    post(MAPPINGS, "id", "second-port", "map", "node=" NODE ",path=0000:3b:0e.0,id=8086:154c", NULL);
    has_check("second-port", "error",
              INVALID
              "pci device '0000:3b:0e.0' not found: it is VF 32 of 0000:3b:00.1, which has 32 of 64 VFs");
}
