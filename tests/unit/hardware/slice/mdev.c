/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mediated devices: types, by the kernel's interface and by NVIDIA's, and instances. */
#include <criterion/criterion.h>

#include "base/memory.h"
#include "hardware/slice/mdev.h"
#include "hardware/slice/nvidia.h"
#include "tests/unit/hardware/fixture.h"

#define TYPES  "sys/bus/pci/devices/0000:01:00.0/mdev_supported_types/"
#define NVIDIA "sys/bus/pci/devices/0000:01:00.0/nvidia/"

static json_t *list_types(const struct tree *tree, const char *id)
{
    json_t *types;
    struct error err;

    cr_assert_eq(mdev_list_types(tree->sysroot, address_of(id), &types, &err), 0);
    return types;
}

static json_t *list_instances(const struct tree *tree)
{
    autoinventory struct inventory *inventory = tree_scan(tree);
    json_t *instances;
    struct error err;

    cr_assert_eq(mdev_list_instances(tree->sysroot, inventory, &instances, &err), 0);
    return instances;
}

Test(mdev, lists_what_a_function_can_create)
{
    autotree struct tree tree;

    tree_make_host(&tree, "mdev");
    autojson json_t *types = list_types(&tree, "0000:00:02.0");
    cr_assert_eq(json_array_size(types), 2);
    expect_member(json_array_get(types, 0), "type", "'i915-GVTg_V5_4'");
    expect_member(json_array_get(types, 1), "type", "'i915-GVTg_V5_8'");
    expect_member(json_array_get(types, 1), "available", "3");
}

Test(mdev, leaves_out_types_that_do_not_say_how_many_are_left)
{
    autotree struct tree tree;

    tree_make(&tree);
    tree_write(&tree, TYPES "b-whole/available_instances", "2\n");
    tree_write(&tree, TYPES "b-whole/name", "Good one\n");
    tree_write(&tree, TYPES "b-whole/description", "framebuffer: 1024M\n");
    tree_write(&tree, TYPES "a-least/available_instances", "0\n");
    tree_write(&tree, TYPES "c-negative/available_instances", "-1\n");
    tree_write(&tree, TYPES "d-text/available_instances", "many\n");
    tree_write(&tree, TYPES "e-without/name", "Going\n");
    tree_write(&tree, TYPES "a-file", "2\n");
    expect_json(
        list_types(&tree, "0000:01:00.0"),
        "[{'type': 'a-least', 'available': 0, 'description': ''},"
        " {'type': 'b-whole', 'available': 2, 'name': 'Good one', 'description': 'framebuffer: 1024M'}]");
}

Test(mdev, lists_nothing_for_other_functions_and_absent_ones)
{
    autotree struct tree tree;

    tree_make_host(&tree, "mdev");
    expect_json(list_types(&tree, "0000:00:14.0"), "[]");
    expect_json(list_types(&tree, "0000:77:00.0"), "[]");
}

/* A virtual function is one vGPU, so each type is available once until one is selected. */
Test(mdev, lists_nvidias_types_under_the_names_that_a_vm_configuration_has)
{
    autotree struct tree tree;

    tree_make(&tree);
    tree_write(&tree, NVIDIA "creatable_vgpu_types",
               "ID    : vGPU Name\n"
               "1155  : NVIDIA L40S-1B\n"
               "1146  : NVIDIA L40S: special\n"
               "-1    : no number\n"
               "1147\n"
               "99999999999999999999 : too large\n");
    tree_write(&tree, NVIDIA "current_vgpu_type", "0\n");
    expect_json(list_types(&tree, "0000:01:00.0"),
                "[{'type': 'nvidia-1146', 'name': 'NVIDIA L40S: special', 'available': 1, 'description': ''},"
                " {'type': 'nvidia-1155', 'name': 'NVIDIA L40S-1B', 'available': 1, 'description': ''}]");
    tree_write(&tree, NVIDIA "current_vgpu_type", "1155\n");
    tree_write(&tree, NVIDIA "creatable_vgpu_types", "ID    : vGPU Name\n1155  : NVIDIA L40S-1B\n");
    expect_json(list_types(&tree, "0000:01:00.0"),
                "[{'type': 'nvidia-1155', 'name': 'NVIDIA L40S-1B', 'available': 0, 'description': ''}]");
}

Test(mdev, the_name_of_nvidias_types_ends_with_their_memory)
{
    cr_expect_eq(nvidia_parse_memory("NVIDIA L40S-12Q"), 12 * 1024);
    cr_expect_eq(nvidia_parse_memory("NVIDIA RTX6000-Ada-48C"), 48 * 1024);
    cr_expect_eq(nvidia_parse_memory("GRID M10-0B"), 512);
    cr_expect_eq(nvidia_parse_memory("GRID T4-2B4"), 2 * 1024);
    cr_expect_eq(nvidia_parse_memory("NVIDIA A100-1-5C"), 0);
    cr_expect_eq(nvidia_parse_memory("NVIDIA L40S: special"), 0);
    cr_expect_eq(nvidia_parse_memory("-"), 0);
    cr_expect_eq(nvidia_parse_memory("NVIDIA X-99999999999999999999Q"), 0);
}

Test(mdev, lists_types_of_a_whole_nvidia_host)
{
    autotree struct tree tree;

    tree_make_host(&tree, "nvidia");
    autojson json_t *types = list_types(&tree, "0000:41:00.4");
    cr_assert_gt(json_array_size(types), 0);
    expect_json(list_types(&tree, "0000:41:00.0"), "[]");
}

Test(mdev, lists_instances_with_their_parent_and_type)
{
    autotree struct tree tree;

    tree_make_host(&tree, "mdev");
    expect_json(list_instances(&tree), "[{'uuid': 'd577a7cf-2595-44d8-9c08-c67358dcf7ac',"
                                       " 'parent': '0000:00:02.0', 'type': 'i915-GVTg_V5_8'}]");
}

/* As in the kernel: a link to the instance, which is a folder below its parent and has a link to its type. */
static void add_instance(const struct tree *tree, const char *uuid, const char *parent)
{
    autofree char *link = xasprintf("sys/bus/mdev/devices/%s", uuid);
    autofree char *target = xasprintf("../../../devices/%s/%s", parent, uuid);
    autofree char *type = xasprintf("sys/devices/%s/%s/mdev_type", parent, uuid);

    tree_link(tree, link, target);
    tree_link(tree, type, "../mdev_supported_types/x-1");
}

Test(mdev, leaves_out_instances_that_are_none)
{
    autotree struct tree tree;

    tree_make(&tree);
    expect_json(list_instances(&tree), "[]");
    add_instance(&tree, "11111111-2222-3333-4444-555555555555", "0000:00:02.0");
    add_instance(&tree, "11111111-2222-3333-4444-55555555555g", "0000:00:02.0");
    add_instance(&tree, "11111111-2222-3333-4444-5555555555555", "0000:00:02.0");
    add_instance(&tree, "not-a-uuid", "0000:00:02.0");
    add_instance(&tree, "11111111-2222-3333-4444-555555555556", "matrix");
    tree_link(&tree, "sys/bus/mdev/devices/11111111-2222-3333-4444-555555555557", "nowhere");
    expect_json(list_instances(&tree),
                "[{'uuid': '11111111-2222-3333-4444-555555555555', 'parent': '0000:00:02.0',"
                " 'type': 'x-1'}]");
}
