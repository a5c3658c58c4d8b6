/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IOMMU groups. */
#include <criterion/criterion.h>

#include "base/memory.h"
#include "hardware/iommu/report.h"
#include "tests/unit/hardware/fixture.h"

static json_t *list_groups(const struct tree *tree)
{
    autoinventory struct inventory *inventory = tree_scan(tree);
    struct error err;
    json_t *groups;

    cr_assert_eq(iommu_list_groups(tree->sysroot, inventory, &groups, &err), 0);
    return groups;
}

static void put_in_group(const struct tree *tree, const char *id, const char *group)
{
    char link[128], target[128];

    tree_add_function(tree, id, NULL, "20000", "8086:1572", "8086:0000");
    snprintf(link, sizeof(link), "sys/bus/pci/devices/%s/iommu_group", id);
    snprintf(target, sizeof(target), "../../../../kernel/iommu_groups/%s", group);
    tree_link(tree, link, target);
}

Test(iommu, lists_groups_by_number_with_their_functions)
{
    autotree struct tree tree;

    tree_make(&tree);
    put_in_group(&tree, "0000:01:00.0", "10");
    put_in_group(&tree, "0000:02:00.0", "9");
    put_in_group(&tree, "0000:03:00.0", "10");
    tree_write(&tree, "sys/kernel/iommu_groups/10/type", "DMA-FQ\n");
    tree_write(&tree, "sys/kernel/iommu_groups/10/reserved_regions",
               "0x000000008b2f0000 0x000000008b30ffff direct-relaxable\n0x00000000fee00000 "
               "0x00000000feefffff msi\n");
    tree_write(&tree, "sys/kernel/iommu_groups/9/type", "identity\n");
    tree_write(&tree, "sys/kernel/iommu_groups/9/reserved_regions", "");
    expect_json(
        list_groups(&tree),
        "[{'group': 9, 'isolated': 1, 'type': 'identity', 'devices': ['0000:02:00.0'], 'reserved': []},"
        " {'group': 10, 'isolated': 0, 'type': 'DMA-FQ', 'devices': ['0000:01:00.0', '0000:03:00.0'], "
        "'reserved': ["
        "  {'start': '0x000000008b2f0000', 'end': '0x000000008b30ffff', 'type': 'direct-relaxable'},"
        "  {'start': '0x00000000fee00000', 'end': '0x00000000feefffff', 'type': 'msi'}]}]");
}

Test(iommu, leaves_out_what_the_kernel_does_not_tell)
{
    autotree struct tree tree;

    tree_make(&tree);
    put_in_group(&tree, "0000:01:00.0", "3");
    put_in_group(&tree, "0000:02:00.0", "4");
    tree_write(&tree, "sys/kernel/iommu_groups/4/reserved_regions",
               "nonsense\n0x1\n0x1 0x2\n1 2 msi\n0x1 0x2 msi\n");
    expect_json(list_groups(&tree), "[{'group': 3, 'isolated': 1, 'devices': ['0000:01:00.0']},"
                                    " {'group': 4, 'isolated': 1, 'devices': ['0000:02:00.0'],"
                                    "  'reserved': [{'start': '0x1', 'end': '0x2', 'type': 'msi'}]}]");
}

Test(iommu, has_no_groups_when_it_is_off)
{
    autotree struct tree tree;

    tree_make_host(&tree, "no-iommu");
    expect_json(list_groups(&tree), "[]");
}

Test(iommu, groups_the_functions_of_a_whole_host)
{
    autotree struct tree tree;

    tree_make_host(&tree, "workstation");
    autojson json_t *groups = list_groups(&tree);
    const json_t *graphics = json_array_get(groups, 1);
    expect_member(graphics, "group", "1");
    expect_member(graphics, "devices", "['0000:00:01.0', '0000:01:00.0', '0000:01:00.1']");
}
