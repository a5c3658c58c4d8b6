/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Verdicts: ready, possible or blocked, what will happen, and what a person must do first. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "hardware/check/report.h"
#include "hardware/iommu/group.h"
#include "tests/unit/hardware/check/fixture.h"

#define NOUVEAU {PCI CARD "/uevent", UEVENT("nouveau", "30000", "10DE:2484")}
#define SOUND   {PCI "0000:01:00.1/uevent", UEVENT("snd_hda_intel", "40300", "10DE:228B")}
#define SHARED  {PCI NETWORK "/iommu_group", "-> ../../../../kernel/iommu_groups/1"}
static const struct {
    const char *about;
    struct change changes[8];
    const char *device, *verdict;
    const char *summary; /* a part of it */
    const char *detaches;
} cases[] = {
    {"bound to vfio-pci, with its whole group", {{NULL, NULL}}, CARD, "ready", "at once", "[]"},
    {"without a driver", {{NULL, NULL}}, GRAPHICS, "ready", "at once", "[]"},
    {"with its own driver",
     {NOUVEAU},
     CARD,
     "possible",
     "the host loses 0000:01:00.0 (nouveau).",
     "[{'id': '0000:01:00.0', 'driver': 'nouveau'}]"},
    {"with another function that has one",
     {SOUND},
     CARD,
     "possible",
     "the host loses 0000:01:00.1 (snd_hda_intel).",
     "[{'id': '0000:01:00.1', 'driver': 'snd_hda_intel'}]"},
    {"while vfio_pci is not loaded",
     {NOUVEAU, SOUND, {"sys/module/vfio_pci", NULL}},
     CARD,
     "possible",
     "the host loses 0000:01:00.0 (nouveau) and 0000:01:00.1 (snd_hda_intel), and vfio_pci is loaded.",
     "[{'id': '0000:01:00.0', 'driver': 'nouveau'}, {'id': '0000:01:00.1', 'driver': 'snd_hda_intel'}]"},
    {"without a driver, while vfio_pci is not loaded",
     {{"sys/module/vfio_pci", NULL}},
     GRAPHICS,
     "possible",
     "vfio_pci is loaded.",
     "[]"},
    {"bound to pci-stub",
     {{PCI CARD "/uevent", UEVENT("pci-stub", "30000", "10DE:2484")}},
     CARD,
     "possible",
     "pci-stub",
     "[{'id': '0000:01:00.0', 'driver': 'pci-stub'}]"},
    {"next to one that is bound to pci-stub",
     {{PCI "0000:01:00.1/uevent", UEVENT("pci-stub", "40300", "10DE:228B")}},
     CARD,
     "ready",
     "at once",
     "[]"},
    {"next to an ISA bridge with a driver",
     {SHARED, {PCI NETWORK "/uevent", UEVENT("lpc_ich", "60100", "8086:A2C5")}},
     CARD,
     "blocked",
     "0000:02:00.0 (lpc_ich), which is a bridge",
     "[{'id': '0000:02:00.0', 'driver': 'lpc_ich'}]"},
    {"a root port", {{NULL, NULL}}, "0000:00:01.0", "blocked", "bridge", "[]"},
    {"a root port in one group with a network card", {SHARED}, "0000:00:01.0", "blocked", "bridge", "[]"},
    {"in no group", {{PCI CARD "/iommu_group", NULL}}, CARD, "blocked", "no IOMMU group", "[]"},
    {"with the default route on it",
     {DEFAULT_ROUTE},
     NETWORK,
     "blocked",
     "eth0",
     "[{'id': '0000:02:00.0', 'driver': 'i40e'}]"},
    {"in a group with the default route",
     {DEFAULT_ROUTE, SHARED},
     CARD,
     "blocked",
     "0000:02:00.0 (i40e)",
     "[{'id': '0000:02:00.0', 'driver': 'i40e'}]"},
    {"with virtual functions",
     {{PCI NETWORK "/virtfn0", "-> ../" GRAPHICS}, {PCI GRAPHICS "/physfn", "-> ../" NETWORK}},
     NETWORK,
     "blocked",
     "virtual functions",
     "[{'id': '0000:02:00.0', 'driver': 'i40e'}]"},
    {"without interrupt remapping",
     {{"proc/interrupts", " 1: 9  IO-APIC  1-edge  i8042\n"}},
     CARD,
     "blocked",
     "Interrupts are not remapped",
     "[]"},
    {"without a module",
     {{"sys/module/vfio_pci", NULL}, {"lib/modules/" RELEASE "/modules.dep", "x.ko:\n"}},
     CARD,
     "blocked",
     "no module vfio_pci",
     "[]"},
    {"with memory of the host",
     {{"sys/kernel/iommu_groups/1/reserved_regions", "0x1000 0x1fff direct\n"}},
     CARD,
     "blocked",
     "RMRR",
     "[]"},
};

Test(check_verdict, says_what_will_happen_or_why_not)
{
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        autotree struct tree tree;
        check_host_make(&tree);
        check_host_change(&tree, cases[i].changes);
        autojson json_t *report = report_of(&tree, cases[i].device);
        const char *verdict = json_string_value(json_object_get(report, "verdict"));
        const char *summary = json_string_value(json_object_get(report, "summary"));
        cr_expect_str_eq(verdict, cases[i].verdict, "%s is %s: %s", cases[i].about, verdict, summary);
        cr_expect_not_null(strstr(summary, cases[i].summary), "%s: %s", cases[i].about, summary);
        expect_member(report, "detaches", cases[i].detaches);
    }
}

/* The controller that opens its domain cannot go along: with the controller's driver the drive goes away. */
Test(check_verdict, a_drive_behind_a_vmd_stays)
{
    autotree struct tree tree;

    tree_make_host(&tree, "big-domain");
    autojson json_t *report = report_of(&tree, "10000:e1:00.0");
    const char *summary = json_string_value(json_object_get(report, "summary"));
    expect_member(report, "verdict", "'blocked'");
    cr_expect_not_null(strstr(summary, "(vmd), behind which it is"), "%s", summary);
}

/* What blocks it says what to type. */
Test(check_verdict, has_a_remedy_where_the_user_can_do_something)
{
    autotree struct tree tree;

    check_host_make(&tree);
    check_host_change(&tree, (struct change[]){DEFAULT_ROUTE, {NULL, NULL}});
    autojson json_t *report = report_of(&tree, NETWORK);
    const json_t *check = check_in(report, "host-use");
    expect_member(check, "severity", "'error'");
    cr_assert_not_null(strstr(json_string_value(json_object_get(check, "remedy")), "ip link set eth0 down"));
    const json_t *use = json_array_get(json_object_get(report, "host-use"), 0);
    expect_member(use, "id", "'0000:02:00.0'");
    expect_member(use, "weight", "'active'");
}

/* A bridge has no business with anything else. */
Test(check_verdict, says_one_thing_of_a_bridge)
{
    autotree struct tree tree;

    check_host_make(&tree);
    autojson json_t *report = report_of(&tree, "0000:00:01.0");
    cr_assert_eq(json_array_size(json_object_get(report, "checks")), 1);
    cr_assert_not_null(check_in(report, "bridge"));
}

Test(check_verdict, is_refused_for_a_device_that_is_not_there)
{
    autotree struct tree tree;
    struct error err;
    json_t *report = NULL;

    check_host_make(&tree);
    autoinventory struct inventory *inventory = tree_scan(&tree);
    cr_assert_eq(readiness_describe_device(tree.sysroot, inventory, NULL, address_of("0000:09:00.0"), NULL,
                                           &report, &err),
                 -1);
    cr_assert_eq(err.kind, ERROR_NOT_FOUND);
    cr_assert_null(report);
}

static void expect_same(const struct tree *tree)
{
    autoinventory struct inventory *inventory = tree_scan(tree);
    autohostuses struct host_uses *uses = NULL;
    struct readiness *list;
    struct error err;
    char id[PCI_ADDRESS_SIZE];

    cr_assert_eq(host_uses_scan(tree->sysroot, inventory, &uses, &err), 0);
    cr_assert_eq(readiness_verdicts(tree->sysroot, inventory, uses, &list, &err), 0);
    for (size_t i = 0; i < inventory->count; i++) {
        pci_address_format(inventory->devices[i].address, id);
        autojson json_t *report = report_of(tree, id);
        cr_expect_str_eq(verdict_name(list[i].verdict), json_string_value(json_object_get(report, "verdict")),
                         "%s", id);
        cr_expect_str_eq(list[i].summary, json_string_value(json_object_get(report, "summary")), "%s", id);
    }
    readiness_free(list, inventory->count);
}

Test(check_verdict, is_the_same_in_the_list_as_of_each_alone)
{
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        autotree struct tree tree;
        check_host_make(&tree);
        check_host_change(&tree, cases[i].changes);
        expect_same(&tree);
    }
}

Test(check_group, is_isolated_unless_it_holds_two_devices)
{
    static const struct {
        struct change changes[3];
        bool isolated;
    } groups[] = {
        {{{NULL, NULL}}, true},
        {{SHARED}, false},
        {{SHARED, {PCI NETWORK "/uevent", UEVENT("", "60400", "8086:1901")}}, true},
    };

    for (size_t i = 0; i < COUNT_OF(groups); i++) {
        autotree struct tree tree;
        check_host_make(&tree);
        check_host_change(&tree, groups[i].changes);
        autoinventory struct inventory *inventory = tree_scan(&tree);
        autogroups struct groups *sorted = groups_sort(inventory);
        cr_expect_eq(group_is_isolated(groups_find(sorted, 1)), groups[i].isolated, "%zu", i);
        cr_expect_eq(groups_find(sorted, 99).count, 0);
        cr_expect_eq(groups_find(sorted, -1).count, 0);
    }
}
