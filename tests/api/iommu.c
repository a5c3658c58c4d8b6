/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /nodes/{node}/hardware/iommu/groups. */
#include <criterion/criterion.h>

#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/look.h"

#define GROUPS "/nodes/" NODE "/hardware/iommu/groups"

TestSuite(iommu, .timeout = 120);

DAEMON_TEST(iommu, groups_have_type_devices_and_reserved_regions)
{
    START(.host = "workstation");
    const json_t *groups = get(GROUPS, NULL);
    cr_assert_eq(json_array_size(groups), 7);
    is_json(
        json_array_get(groups, 1),
        "{'group':1,'isolated':1,'type':'DMA-FQ','devices':['0000:00:01.0','0000:01:00.0','0000:01:00.1'],"
        "'reserved':[{'start':'0x00000000fee00000','end':'0x00000000feefffff','type':'msi'}]}");
    is_json(member(json_array_get(groups, 2), "reserved"),
            "[{'start':'0x000000008b2f0000','end':'0x000000008b30ffff','type':'direct-relaxable'},"
            "{'start':'0x00000000fee00000','end':'0x00000000feefffff','type':'msi'}]");
}

DAEMON_TEST(iommu, groups_are_in_order_of_their_numbers)
{
    START(.host = "sriov");
    const json_t *groups = get(GROUPS, NULL);
    long long before = -1;
    size_t i;
    json_t *group;

    cr_assert_eq(json_array_size(groups), 10 + 64);
    json_array_foreach(groups, i, group) {
        cr_assert_gt(number_of(group, "group"), before);
        cr_assert_str_eq(text_of(group, "type"), "identity");
        before = number_of(group, "group");
    }
}

DAEMON_TEST(iommu, host_without_one_has_no_groups)
{
    START(.host = "no-iommu");
    is_json(get(GROUPS, NULL), "[]");
}

DAEMON_TEST(iommu, broken_host_shows_the_groups_that_can_be_read)
{
    START(.host = "broken");
    const json_t *groups = get(GROUPS, NULL);
    size_t i;
    json_t *group;

    cr_assert_geq(json_array_size(groups), 7);
    json_array_foreach(groups, i, group)
        cr_assert_gt(json_array_size(member(group, "devices")), 0);
}
