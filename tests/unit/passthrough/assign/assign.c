/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which devices a VM's hostpciN get, on hosts of several kinds. */
#include <criterion/criterion.h>

#include "base/memory.h"
#include "base/text.h"
#include "tests/unit/passthrough/assign/fixture.h"

/* What VM 100 with that configuration would get. */
static void assign(const struct world *world, const char *config, struct assignments *ret)
{
    autoavailability struct availability availability = {0};
    autojson json_t *parsed = fixture_json(config);
    struct error err;

    cr_assert_eq(availability_read(&world->reservations, world->source, &availability, &err), 0, "%s",
                 err.message);
    const struct assign what = {
        .storage = world->storage,
        .availability = &availability,
        .node = WORLD_NODE,
        .vmid = 100,
        .config = parsed,
    };
    assign_devices(&what, ret);
}

static void expect_assigned(const struct world *world, const char *config, const char *wanted)
{
    autoassignments struct assignments assignments = {0};

    assign(world, config, &assignments);
    autofree char *found = world_describe(&assignments);
    cr_assert_str_eq(found, wanted, "%s\nfound  %s\nwanted %s", config, found, wanted);
}

/* "PATH: why not" of each alternative of hostpci0 that was passed over. */
static void expect_passed_over(const struct world *world, const char *config, const char *wanted)
{
    autoassignments struct assignments assignments = {0};
    autotext struct text text = {0};
    assign(world, config, &assignments);
    const struct assignment *first = &assignments.list[0];
    for (size_t i = 0; i < first->passed_over_count; i++)
        text_printf(&text, "%s: %s\n", first->passed_over[i].path, first->passed_over[i].message);
    cr_assert_str_eq(text_string(&text), wanted);
}

#define UUID(n) "0000000" #n "-0000-0000-0000-000000000100"

Test(passthrough_assign, host_is_what_it_says)
{
    autoworld struct world world;
    world_make(&world, "workstation");

    expect_assigned(&world, "{'hostpci0': '0000:01:00.0', 'hostpci3': 'host=02:00.0,pcie=1', 'cores': 2}",
                    "0000:01:00.0\n0000:02:00.0");
    expect_assigned(&world, "{'hostpci0': '01:00'}", "0000:01:00.0 0000:01:00.1");
    expect_assigned(&world, "{'hostpci0': '01:00.1;00:14.0'}", "0000:01:00.1 0000:00:14.0");
    expect_assigned(&world, "{'name': 'none'}", "");
}

Test(passthrough_assign, what_is_not_there_is_named)
{
    autoworld struct world world;
    world_make(&world, "workstation");

    expect_assigned(&world, "{'hostpci0': '07:00.0'}", "! no PCI device found for '0000:07:00.0'");
    expect_assigned(&world, "{'hostpci0': '01:00;07:00'}", "! no PCI device found for '0000:07:00'");
    expect_assigned(&world, "{'hostpci0': 'mapping=none'}", "! PCI device mapping not found for 'none'");
    world_add_mapping(&world, "away",
                      "{'map': [{'node': 'pve2', 'path': '0000:01:00.0', 'id': '10de:2484'}]}");
    expect_assigned(&world, "{'hostpci0': 'mapping=away'}", "! PCI device mapping not found for 'away'");
    expect_assigned(&world, "{'hostpci0': 'pcie=1', 'hostpci1': '02:00.0'}",
                    "! hostpci0: Either 'host' or 'mapping' must be set.\n0000:02:00.0");
}

Test(passthrough_assign, a_device_is_given_once)
{
    autoworld struct world world;
    world_make(&world, "workstation");

    expect_assigned(&world, "{'hostpci0': '01:00.0', 'hostpci1': '01:00.0'}",
                    "0000:01:00.0\n! device '0000:01:00.0' assigned more than once");
    expect_assigned(&world, "{'hostpci0': '01:00.1', 'hostpci1': '01:00'}",
                    "0000:01:00.1\n! device '0000:01:00.1' assigned more than once");
    expect_assigned(&world, "{'hostpci0': '01:00;01:00.1'}",
                    "! device '0000:01:00.1' assigned more than once");
}

Test(passthrough_assign, another_vm_that_has_it_is_named)
{
    autoworld struct world world;
    world_make(&world, "workstation");

    world_reserve(&world, 101, "0000:01:00.1");
    world_reserve(&world, 100, "0000:02:00.0"); /* its own */
    expect_assigned(&world, "{'hostpci0': '01:00', 'hostpci1': '02:00.0'}",
                    "! PCI device '0000:01:00.1' already in use by VMID '101'\n0000:02:00.0");
}

Test(passthrough_assign, functions_need_an_iommu)
{
    autoworld struct world world;
    world_make(&world, "no-iommu");

    world_add_mapping(&world, "nvme",
                      "{'map': [{'node': 'pve1', 'path': '0000:02:00.0', 'id': '144d:a808'}]}");
    expect_assigned(&world, "{'hostpci0': '01:00.0', 'hostpci1': 'mapping=nvme', 'hostpci2': '07:00.0'}",
                    "! cannot prepare PCI pass-through, IOMMU not present\n"
                    "! cannot prepare PCI pass-through, IOMMU not present\n"
                    "! no PCI device found for '0000:07:00.0'");
}

/* Virtual functions of one card, any of which will do. The first one is on another node, the second one has
 * changed. */
static void add_functions(const struct world *world)
{
    world_add_mapping(world, "vfs",
                      "{'live-migration-capable': 1, 'map': ["
                      "{'node': 'pve2', 'path': '0000:3b:02.0', 'id': '8086:154c', 'iommugroup': 16},"
                      "{'node': 'pve1', 'path': '0000:3b:02.1', 'id': '8086:1889',"
                      " 'subsystem-id': '8086:0001', 'iommugroup': 17},"
                      "{'node': 'pve1', 'path': '0000:3b:02.2', 'id': '8086:154c',"
                      " 'subsystem-id': '8086:0001', 'iommugroup': 18},"
                      "{'node': 'pve1', 'path': '0000:3b:02.3', 'id': '8086:154c',"
                      " 'subsystem-id': '8086:0001', 'iommugroup': 19}]}");
}

#define CHANGED                                                                                              \
    "PCI device mapping invalid (hardware probably changed): 'id' does not match for 'vfs' (8086:154c != "   \
    "8086:1889)"

Test(passthrough_assign, the_first_alternative_that_is_as_mapped_and_free)
{
    autoworld struct world world;
    world_make(&world, "sriov");

    add_functions(&world);
    expect_assigned(&world, "{'hostpci0': 'mapping=vfs'}", "0000:3b:02.2");
    expect_assigned(&world, "{'hostpci0': 'mapping=vfs', 'hostpci1': 'mapping=vfs'}",
                    "0000:3b:02.2\n0000:3b:02.3");
    expect_assigned(&world, "{'hostpci0': 'mapping=vfs', 'hostpci1': '3b:02.2'}",
                    "0000:3b:02.3\n0000:3b:02.2");
    world_reserve(&world, 101, "0000:3b:02.2");
    expect_assigned(&world, "{'hostpci0': 'mapping=vfs'}", "0000:3b:02.3");
    expect_passed_over(&world, "{'hostpci0': 'mapping=vfs'}",
                       "0000:3b:02.1: " CHANGED "\n"
                       "0000:3b:02.2: PCI device '0000:3b:02.2' already in use by VMID '101'\n");
}

Test(passthrough_assign, when_none_is_left_it_says_why)
{
    autoworld struct world world;
    world_make(&world, "sriov");

    add_functions(&world);
    world_reserve(&world, 101, "0000:3b:02.2");
    world_reserve(&world, 102, "0000:3b:02.3");
    expect_assigned(
        &world, "{'hostpci7': 'mapping=vfs'}",
        "! could not find a free device for 'hostpci7': PCI device '0000:3b:02.2' already in use by "
        "VMID '101'");
    world_add_mapping(&world, "vfs",
                      "{'map': [{'node': 'pve1', 'path': '0000:3b:02.1', 'id': '8086:1889',"
                      " 'subsystem-id': '8086:0001', 'iommugroup': 17}]}");
    expect_assigned(&world, "{'hostpci7': 'mapping=vfs'}", "! " CHANGED);
}

Test(passthrough_assign, an_alternative_may_be_several_functions)
{
    autoworld struct world world;
    world_make(&world, "workstation");

    world_add_mapping(&world, "gpu",
                      "{'map': [{'node': 'pve1', 'path': '0000:01:00', 'id': '10de:2484',"
                      " 'subsystem-id': '10de:146b', 'iommugroup': 1}]}");
    expect_assigned(&world, "{'hostpci0': 'mapping=gpu,x-vga=1'}", "0000:01:00.0 0000:01:00.1");
    world_reserve(&world, 101, "0000:01:00.1");
    expect_assigned(
        &world, "{'hostpci0': 'mapping=gpu'}",
        "! could not find a free device for 'hostpci0': PCI device '0000:01:00.1' already in use by "
        "VMID '101'");
}

Test(passthrough_assign, the_command_line_gets_what_was_assigned)
{
    autoworld struct world world;
    world_make(&world, "sriov");
    autoassignments struct assignments assignments = {0};
    struct vm_assigned assigned[VM_HOSTPCI];
    struct error err;

    add_functions(&world);
    assign(&world, "{'hostpci0': '3b:00', 'hostpci2': 'mapping=vfs', 'hostpci3': '07:00.0'}", &assignments);
    assignments_to_command(&assignments, assigned);
    cr_assert_eq(assigned[0].count, 2);
    cr_assert_str_eq(assigned[0].ids[1], "0000:3b:00.1");
    cr_assert(!assigned[0].live_migration && assigned[0].uuid == NULL);
    cr_assert_eq(assigned[1].count, 0);
    cr_assert_eq(assigned[2].count, 1);
    cr_assert(assigned[2].live_migration);
    cr_assert_eq(assigned[3].count, 0);
    cr_assert_eq(assignments_check(&assignments, &err), -1);
    fixture_expect_error(&err, ERROR_FAILED, "no PCI device found for '0000:07:00.0'");
}

Test(passthrough_assign, a_mediated_device_takes_an_instance_that_is_left)
{
    autoworld struct world world;
    world_make(&world, "mdev");

    expect_assigned(&world, "{'hostpci1': '00:02.0,mdev=i915-GVTg_V5_4'}", "0000:00:02.0=" UUID(1));
    expect_assigned(&world,
                    "{'hostpci0': '00:02.0,mdev=i915-GVTg_V5_8', 'hostpci1': '00:02.0,mdev=i915-GVTg_V5_4',"
                    " 'hostpci2': '00:02.0,mdev=i915-GVTg_V5_4'}",
                    "0000:00:02.0=" UUID(0) "\n0000:00:02.0=" UUID(
                        1) "\n! pci device '0000:00:02.0' has no available instances of 'i915-GVTg_V5_4'");
    expect_assigned(&world, "{'hostpci0': '00:02.0,mdev=none'}",
                    "! pci device '0000:00:02.0' has no available instances of 'none': it has no such type");
    expect_assigned(&world, "{'hostpci0': '00:02.0,mdev=i915-GVTg_V5_8', 'hostpci1': '00:02.0'}",
                    "0000:00:02.0=" UUID(0) "\n! device '0000:00:02.0' assigned more than once");
}

static void reserve_instance(const struct world *world, long long vmid, const char *uuid, long long siblings)
{
    world_reserve_item(world, vmid,
                       &(const struct reservation){.device = uuid,
                                                   .key = "hostpci0",
                                                   .parent = "0000:00:02.0",
                                                   .type = "i915-GVTg_V5_8",
                                                   .siblings = siblings});
}

/* The links by which a mediated device is found. */
static void make_instance(const struct world *world, const char *uuid, const char *type)
{
    autofree char *link = xasprintf("sys/bus/mdev/devices/%s", uuid);
    autofree char *target = xasprintf("../../../devices/pci0000:00/0000:00:02.0/%s", uuid);
    autofree char *own = xasprintf("sys/devices/pci0000:00/0000:00:02.0/%s/mdev_type", uuid);
    autofree char *types = xasprintf("../mdev_supported_types/%s", type);

    tree_link(&world->tree, own, types);
    tree_link(&world->tree, link, target);
}

#define NONE_LEFT "! pci device '0000:00:02.0' has no available instances of 'i915-GVTg_V5_8'"

Test(passthrough_assign, what_others_reserved_and_did_not_make_yet_is_not_left)
{
    autoworld struct world world;
    world_make(&world, "mdev");
    static const char config[] = "{'hostpci0': '00:02.0,mdev=i915-GVTg_V5_8'}";

    reserve_instance(&world, 101, "00000000-0000-0000-0000-000000000101", 0);
    reserve_instance(&world, 102, "00000000-0000-0000-0000-000000000102", 1);
    expect_assigned(&world, config, "0000:00:02.0=" UUID(0));
    reserve_instance(&world, 103, "00000000-0000-0000-0000-000000000103", 2);
    expect_assigned(&world, config, NONE_LEFT);
    make_instance(&world, "00000000-0000-0000-0000-000000000103", "i915-GVTg_V5_8");
    expect_assigned(&world, config, "0000:00:02.0=" UUID(0)); /* the kernel counts that one itself */
    expect_assigned(&world, "{'hostpci0': '00:02.0'}",
                    "! PCI device '0000:00:02.0' already in use by VMID '101'");
}

Test(passthrough_assign, a_mediated_device_of_the_last_start_is_used_again)
{
    autoworld struct world world;
    world_make(&world, "mdev");

    make_instance(&world, UUID(0), "i915-GVTg_V5_8");
    tree_write(&world.tree,
               "sys/devices/pci0000:00/0000:00:02.0/mdev_supported_types/i915-GVTg_V5_8/available_instances",
               "0\n");
    expect_assigned(&world, "{'hostpci0': '00:02.0,mdev=i915-GVTg_V5_8'}", "0000:00:02.0=" UUID(0));
    expect_assigned(&world, "{'hostpci1': '00:02.0,mdev=i915-GVTg_V5_8'}", NONE_LEFT);
    expect_assigned(&world, "{'hostpci0': '00:02.0,mdev=i915-GVTg_V5_4'}",
                    "! the mediated device '" UUID(0) "' exists already, of type 'i915-GVTg_V5_8' at "
                                                      "'0000:00:02.0': remove it first");
}

Test(passthrough_assign, nvidias_functions_are_the_vgpus_themselves)
{
    autoworld struct world world;
    world_make(&world, "nvidia");
    struct reservation own = {.device = "0000:41:00.4", .key = "hostpci0", .type = "nvidia-1147"};

    world_add_mapping(
        &world, "l40s",
        "{'mdev': 1, 'map': ["
        "{'node': 'pve1', 'path': '0000:41:00.4', 'id': '10de:26b9', 'subsystem-id': '10de:1851',"
        " 'iommugroup': 10},"
        "{'node': 'pve1', 'path': '0000:41:00.5', 'id': '10de:26b9', 'subsystem-id': '10de:1851',"
        " 'iommugroup': 11},"
        "{'node': 'pve1', 'path': '0000:41:00.6', 'id': '10de:26b9', 'subsystem-id': '10de:1851',"
        " 'iommugroup': 12}]}");
    expect_assigned(
        &world,
        "{'hostpci0': 'mapping=l40s,mdev=nvidia-1147', 'hostpci1': 'mapping=l40s,mdev=nvidia-1145',"
        " 'hostpci2': 'mapping=l40s,mdev=nvidia-1145'}",
        "0000:41:00.5\n0000:41:00.6\n! could not find a free device for 'hostpci2': pci device "
        "'0000:41:00.4' has no available instances of 'nvidia-1145'");
    world_reserve(&world, 101, "0000:41:00.5");
    expect_assigned(&world, "{'hostpci0': 'mapping=l40s,mdev=nvidia-1147'}", "0000:41:00.6");
    world_reserve_item(&world, 100, &own); /* it has the first from before */
    expect_assigned(&world, "{'hostpci0': 'mapping=l40s,mdev=nvidia-1147'}", "0000:41:00.4");
}

#define OFFERED                                                                                              \
    "ID    : vGPU Name\n1147  : NVIDIA L40S-1Q\n1153  : NVIDIA L40S-24Q\n1155  : NVIDIA L40S-48Q\n"

/* Nothing of the card is used, so that the largest type is all that it has. */
static void empty_card(const struct world *world, const char *card, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        autofree char *folder = xasprintf("sys/bus/pci/devices/%s.%u/nvidia", card, 4 + i);
        autofree char *current = xasprintf("%s/current_vgpu_type", folder);
        autofree char *creatable = xasprintf("%s/creatable_vgpu_types", folder);
        tree_write(&world->tree, current, "0\n");
        tree_write(&world->tree, creatable, OFFERED);
    }
}

Test(passthrough_assign, vgpus_share_the_memory_of_their_card)
{
    autoworld struct world world;
    world_make(&world, "nvidia");
    autoassignments struct assignments assignments = {0};

    empty_card(&world, "0000:41:00", 4);
    expect_assigned(&world,
                    "{'hostpci0': '41:00.4,mdev=nvidia-1155', 'hostpci1': '41:00.5,mdev=nvidia-1155'}",
                    "0000:41:00.4\n! pci device '0000:41:00.5' has no available instances of 'nvidia-1155': "
                    "the vGPUs of its card share 49152 MiB, and others get 49152 of them");
    expect_assigned(&world,
                    "{'hostpci0': '41:00.4,mdev=nvidia-1153', 'hostpci1': '41:00.5,mdev=nvidia-1153',"
                    " 'hostpci2': '41:00.6,mdev=nvidia-1147'}",
                    "0000:41:00.4\n0000:41:00.5\n! pci device '0000:41:00.6' has no available instances of "
                    "'nvidia-1147': the vGPUs of its card share 49152 MiB, and others get 49152 of them");
    assign(&world, "{'hostpci0': '41:00.4,mdev=nvidia-1153', 'hostpci1': '41:00.5,mdev=nvidia-1153'}",
           &assignments);
    cr_assert(!assignments.list[0].unsure && assignments.list[1].unsure);
    world_reserve_item(
        &world, 101,
        &(const struct reservation){.device = "0000:41:00.7", .key = "hostpci0", .type = "nvidia-1155"});
    expect_assigned(&world, "{'hostpci0': '41:00.4,mdev=nvidia-1147'}",
                    "! pci device '0000:41:00.4' has no available instances of 'nvidia-1147': the vGPUs of "
                    "its card share 49152 MiB, and others get 49152 of them");
}

Test(passthrough_assign, a_card_that_surely_has_room_comes_first)
{
    autoworld struct world world;
    world_make(&world, "nvidia");

    empty_card(&world, "0000:41:00", 4);
    empty_card(&world, "0000:c1:00", 2);
    world_add_mapping(
        &world, "l40s",
        "{'mdev': 1, 'map': ["
        "{'node': 'pve1', 'path': '0000:41:00.4', 'id': '10de:26b9', 'subsystem-id': '10de:1851',"
        " 'iommugroup': 10},"
        "{'node': 'pve1', 'path': '0000:41:00.5', 'id': '10de:26b9', 'subsystem-id': '10de:1851',"
        " 'iommugroup': 11},"
        "{'node': 'pve1', 'path': '0000:c1:00.4', 'id': '10de:26b9', 'subsystem-id': '10de:1851',"
        " 'iommugroup': 20}]}");
    expect_assigned(
        &world,
        "{'hostpci0': 'mapping=l40s,mdev=nvidia-1153', 'hostpci1': 'mapping=l40s,mdev=nvidia-1153',"
        " 'hostpci2': 'mapping=l40s,mdev=nvidia-1153'}",
        "0000:41:00.4\n0000:c1:00.4\n0000:41:00.5");
}

Test(passthrough_assign, a_claim_reserves_what_it_assigned_or_nothing)
{
    autoworld struct world world;
    world_make(&world, "mdev");
    autofree char *got = NULL;
    autojson json_t *reserved = NULL;
    char *none;
    struct error err;

    cr_assert_eq(world_claim(&world, 100,
                             "{'hostpci0': '00:02.0,mdev=i915-GVTg_V5_4', 'hostpci1': '00:14.0'}", &got,
                             &err),
                 0, "%s", err.message);
    cr_assert_str_eq(got, "0000:00:02.0=" UUID(0) "\n0000:00:14.0");
    cr_assert_eq(world_claim(&world, 101, "{'hostpci0': '00:17.0', 'hostpci1': '00:14.0'}", &none, &err), -1);
    fixture_expect_error(&err, ERROR_FAILED, "PCI device '0000:00:14.0' already in use by VMID '100'");
    cr_assert_eq(reservations_list(&world.reservations, &reserved, &err), 0);
    cr_assert_eq(json_object_size(reserved), 2);
    const json_t *part = json_object_get(reserved, UUID(0)),
                 *whole = json_object_get(reserved, "0000:00:14.0");
    cr_assert_str_eq(json_string_value(json_object_get(part, "parent")), "0000:00:02.0");
    cr_assert_str_eq(json_string_value(json_object_get(part, "type")), "i915-GVTg_V5_4");
    cr_assert_str_eq(json_string_value(json_object_get(whole, "key")), "hostpci1");
    cr_assert_null(json_object_get(whole, "type"));
}
