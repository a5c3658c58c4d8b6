/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the keys of a VM's configuration demand of each other. */
#include "vm/rules.h"

#include <criterion/criterion.h>

#include "base/memory.h"
#include "tests/unit/storage/fixture.h"

#define BALLOON "balloon value too large (must be smaller than assigned memory)"

Test(vm_rules, each_rule_names_the_key_that_breaks_it)
{
    static const char *const rows[][3] = {
        {"{'balloon': 1024}", "balloon", BALLOON},
        {"{'balloon': 2048, 'memory': '2047'}", "balloon", BALLOON},
        {"{'hotplug': 'disk,memory'}", "hotplug", "numa needs to be enabled for memory hotplug"},
        {"{'hotplug': 'memory', 'numa': 1}", "memory",
         "memory size (512) must be at least 1024 for hotplugging"},
        {"{'hugepages': 'any', 'numa': 0}", "hugepages", "hugepages need numa to be enabled"},
        {"{'sockets': 1000000000000, 'cores': 1000000000000}", "cores",
         "1000000000000 sockets of 1000000000000 cores are more than 1024 processors"},
        {"{'cores': 2, 'vcpus': 3}", "vcpus", "vcpus cannot be above sockets times cores, which is 2"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        autojson json_t *config = fixture_json(rows[i][0]);
        struct error err = {0};
        cr_assert_eq(vm_rules_check(config, &err), -1, "%s", rows[i][0]);
        cr_expect_str_eq(err.field, rows[i][1], "%s: %s", rows[i][0], err.field);
        cr_expect_str_eq(err.message, rows[i][2], "%s: %s", rows[i][0], err.message);
    }
}

Test(vm_rules, what_fits_together_passes)
{
    autojson json_t *empty = json_object(),
                    *full =
                        fixture_json("{'memory': '2048', 'balloon': 2048, 'hotplug': 'memory,cpu', 'numa': 1,"
                                     " 'hugepages': '2', 'sockets': 2, 'cores': 512, 'vcpus': 1024}");
    struct error err = {0};

    cr_expect_eq(vm_rules_check(empty, &err), 0, "%s", err.message);
    cr_expect_eq(vm_rules_check(full, &err), 0, "%s", err.message);
}

Test(vm_rules, a_change_is_refused_for_what_it_breaks_only)
{
    autojson json_t *broken = fixture_json("{'balloon': 1024, 'cores': 1}"),
                    *renamed = fixture_json("{'balloon': 1024, 'cores': 1, 'name': 'a'}"),
                    *smaller = fixture_json("{'balloon': 1024, 'cores': 1, 'memory': '600'}"),
                    *start = fixture_json("{'vcpus': 7}");
    struct error err = {0};

    cr_expect_eq(vm_rules_check_change(broken, renamed, &err), 0, "it was broken before");
    cr_expect_eq(vm_rules_check_change(broken, smaller, &err), -1);
    cr_expect_str_eq(err.message, BALLOON);
    cr_expect_eq(vm_rules_check_change(NULL, broken, &err), -1, "a new VM");
    cr_expect_eq(vm_rules_check_change(NULL, start, &err), 0, "this one is for a start");
}

Test(vm_rules, keys_are_related_through_each_other)
{
    cr_expect(vm_rules_relate("balloon", "memory"));
    cr_expect(vm_rules_relate("balloon", "hugepages"), "by memory and numa");
    cr_expect(vm_rules_relate("numa3", "balloon"));
    cr_expect(vm_rules_relate("vcpus", "cores"));
    cr_expect_not(vm_rules_relate("vcpus", "memory"));
    cr_expect_not(vm_rules_relate("name", "name"));
}
