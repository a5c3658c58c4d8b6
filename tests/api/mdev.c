/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mediated devices: .../hardware/pci/{pci-id-or-mapping}/mdev lists types, .../hardware/mdev instances. */
#include <criterion/criterion.h>

#include "base/memory.h"
#include "tests/api/broker.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/host.h"
#include "tests/api/lab/move.h"
#include "tests/api/look.h"
#include "tests/api/reservation.h"
#include "tests/hosts/kernel.h"

#define PCI   "/nodes/" NODE "/hardware/pci"
#define MDEV  "/nodes/" NODE "/hardware/mdev"

#define GPU   "0000:00:02.0"
#define SMALL "i915-GVTg_V5_8"
#define LARGE "i915-GVTg_V5_4"
#define THERE "d577a7cf-2595-44d8-9c08-c67358dcf7ac" /* of type SMALL */
#define UUID  "11111111-2222-3333-4444-555555555555"
#define OF_VM "00000000-0000-0000-0000-000000000101"
#define VGPU  "0000:41:00.5"

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
    is_json(get(MDEV, NULL), "[{'id':'" THERE "','uuid':'" THERE "','parent':'" GPU "',"
                             "'type':'i915-GVTg_V5_8','state':'active'}]");
}

DAEMON_TEST(mdev, broken_host_shows_the_types_that_can_be_read)
{
    START(.host = "broken");
    const json_t *types = get(PCI "/0000:01:00.0/mdev", NULL);
    cr_assert_eq(number_of(row(types, "type", "good-type"), "available"), 2);
    is_json(get(MDEV, NULL), "[]");
}

static char *begin(const char *id, const char *type, const char *uuid, const char *persistent)
{
    autofree char *path = xasprintf(PCI "/%s/mdev", id);

    return xstrdup(json_string_value(
        uuid == NULL ? post(path, "type", type, NULL)
                     : post(path, "type", type, "uuid", uuid, "persistent", persistent, NULL)));
}

static void create(const char *id, const char *type, const char *uuid, const char *persistent)
{
    autofree char *upid = begin(id, type, uuid, persistent);

    task_succeeds(upid);
}

static char *begin_delete(const char *id)
{
    autofree char *path = xasprintf(MDEV "/%s", id);

    return xstrdup(json_string_value(delete (path, NULL)));
}

DAEMON_TEST(mdev, is_created_listed_and_removed)
{
    START(.host = "mdev", .kernel = true);
    create(GPU, LARGE, UUID, "0");
    is_json(row(get(MDEV, NULL), "id", UUID),
            "{'id':'" UUID "','uuid':'" UUID "','parent':'" GPU "','type':'" LARGE "','state':'active'}");
    cr_assert_eq(number_of(row(get(PCI "/" GPU "/mdev", NULL), "type", LARGE), "available"), 0);
    autofree char *full = begin(GPU, LARGE, NULL, NULL), *upid = NULL;
    task_fails(full, "has no instance of '" LARGE "' left");
    upid = begin_delete(UUID);
    task_succeeds(upid);
    cr_assert_not(has_row(get(MDEV, NULL), "id", UUID));
    fails(500, "no mediated device '" UUID "' exists, and none is kept in /etc/mdevctl.d", "DELETE",
          MDEV "/" UUID, NULL);
    wrong_parameter(
        "uuid",
        "invalid format - value is neither the UUID of a mediated device nor the PCI id of a function "
        "that is a vGPU\n",
        "DELETE", MDEV "/what", NULL);
    wrong_parameter("type", "invalid format - value is not the name of a type of mediated devices\n", "POST",
                    PCI "/" GPU "/mdev", "type", "../x", NULL);
}

DAEMON_TEST(mdev, that_is_kept_is_in_mdevctls_file_and_shown_when_it_does_not_exist)
{
    START(.host = "mdev", .kernel = true);
    create(GPU, SMALL, THERE, "1");
    cr_assert_eq(number_of(row(get(MDEV, NULL), "id", THERE), "persistent"), 1);
    host_write("etc/mdevctl.d/" GPU "/" UUID, "{\"mdev_type\": \"" LARGE "\", \"start\": \"manual\"}");
    is_json(row(get(MDEV, NULL), "id", UUID),
            "{'id':'" UUID "','uuid':'" UUID "','parent':'" GPU "','type':'" LARGE "','state':'defined'}");
    autofree char *upid = begin_delete(UUID), *other = NULL;
    task_succeeds(upid);
    other = begin_delete(THERE);
    task_succeeds(other);
    is_json(get(MDEV, NULL), "[]");
}

DAEMON_TEST(mdev, of_a_vm_is_not_removed_while_it_runs_and_is_a_leftover_afterwards)
{
    START(.host = "mdev", .kernel = true);
    create(GPU, LARGE, OF_VM, "0");
    cr_assert_str_eq(text_of(row(get(MDEV, NULL), "id", OF_VM), "state"), "leftover");
    daemon_stop();
    reservation_put(
        101, &(const struct reservation){.device = OF_VM, .key = "hostpci0", .parent = GPU, .type = LARGE});
    daemon_start_again();
    const json_t *used = row(get(MDEV, NULL), "id", OF_VM);
    cr_assert_str_eq(text_of(used, "state"), "active");
    cr_assert_eq(number_of(used, "vmid"), 101);
    fails(503, "'" OF_VM "' is in use by VMID '101', which is running: stop that VM first", "DELETE",
          MDEV "/" OF_VM, NULL);
    reservation_end(101);
    cr_assert_str_eq(text_of(row(get(MDEV, NULL), "id", OF_VM), "state"), "leftover");
}

DAEMON_TEST(mdev, vgpu_of_nvidias_own_interface_is_named_by_its_function)
{
    START(.host = "nvidia", .kernel = true);
    create(VGPU, "nvidia-1147", NULL, NULL);
    is_json(row(get(MDEV, NULL), "id", VGPU),
            "{'id':'" VGPU "','parent':'" VGPU "','type':'nvidia-1147','state':'active'}");
    cr_assert_eq(kernel_vgpu(VGPU), 1147);
    autofree char *upid = begin_delete("41:00.5");
    task_succeeds(upid);
    cr_assert_eq(kernel_vgpu(VGPU), 0);
    cr_assert_not(has_row(get(MDEV, NULL), "id", VGPU));
    /* the other card is full until its only vGPU goes */
    autofree char *full = begin("0000:c1:00.5", "nvidia-1155", NULL, NULL), *freed = NULL;
    task_fails(full, "the card's memory is shared by its vGPUs, now 0000:c1:00.4 (nvidia-1155)");
    freed = begin_delete("0000:c1:00.4");
    task_succeeds(freed);
    create("0000:c1:00.5", "nvidia-1155", NULL, NULL);
}
