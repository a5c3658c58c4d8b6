/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lab's machine (tests/lab/topology/default after tests/lab/setup-default): a real kernel with an IOMMU.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/lab/machine.h"
#include "tests/api/look.h"

#define PCI "/nodes/" NODE "/hardware/pci"

static void start(void)
{
    if (getenv("LAB") == NULL)
        cr_skip_test("only in the lab");
    START(.host = NULL);
}

TestSuite(lab, .init = start, .timeout = 600);

static const json_t *list_all(void)
{
    return get(PCI, "pci-class-blacklist", "", NULL);
}

static long long group_of(const json_t *list, const char *id)
{
    return number_of(row(list, "id", id), "iommugroup");
}

static const json_t *group(long long number)
{
    const json_t *groups = get("/nodes/" NODE "/hardware/iommu/groups", NULL), *found = NULL;
    size_t i;
    json_t *one;

    json_array_foreach(groups, i, one)
        if (number_of(one, "group") == number)
            found = one;
    cr_assert_not_null(found, "no group %lld", number);
    return found;
}

DAEMON_TEST(lab, virtual_functions_belong_to_the_drive_and_have_groups_of_their_own)
{
    const json_t *list = list_all(), *functions = member(row(list, "id", "0000:01:00.0"), "virtfns");
    const char *name;
    json_t *function;

    cr_assert_eq(json_object_size(functions), 3);
    json_object_foreach((json_t *)functions, name, function) {
        const char *id = json_string_value(function);
        cr_assert_str_eq(text_of(row(list, "id", id), "physfn"), "0000:01:00.0");
        autofree char *path = xasprintf(PCI "/%s/status", id);
        is_json(member(get(path, NULL), "peers"), "[]");
        cr_assert_eq(json_array_size(member(group(group_of(list, id)), "devices")), 1, "%s is %s", name, id);
    }
    const json_t *sriov = member(get(PCI "/0000:01:00.0/status", NULL), "sriov");
    cr_assert_eq(number_of(sriov, "totalvfs"), 4);
    cr_assert_eq(number_of(sriov, "numvfs"), 3);
}

DAEMON_TEST(lab, functions_of_one_card_share_a_group)
{
    const json_t *list = list_all();

    cr_assert_geq(group_of(list, "0000:02:00.0"), 0);
    cr_assert_eq(group_of(list, "0000:02:00.0"), group_of(list, "0000:02:00.1"));
    cr_assert_neq(group_of(list, "0000:02:00.0"), group_of(list, "0000:03:00.0"));
    is_json(member(get(PCI "/0000:02:00.0/status", NULL), "peers"), "['0000:02:00.1']");
}

DAEMON_TEST(lab, groups_have_type_and_reserved_regions)
{
    const json_t *one = group(group_of(list_all(), "0000:03:00.0"));

    cr_assert_eq(strncmp(text_of(one, "type"), "DMA", 3), 0, "%s", text_of(one, "type"));
    is_json(row(member(one, "reserved"), "type", "msi"),
            "{'start':'0x00000000fee00000','end':'0x00000000feefffff','type':'msi'}");
}

DAEMON_TEST(lab, display_that_the_firmware_used)
{
    cr_assert_eq(number_of(get(PCI "/0000:00:01.0/status", NULL), "boot-vga"), 1);
}

static void write_attribute(const char *path)
{
    FILE *file = fopen(path, "w");

    cr_assert_not_null(file, "%s", path);
    fputs("1\n", file);
    cr_assert_eq(fclose(file), 0, "%s", path);
}

static void comes_to_be(bool present)
{
    double end = machine_slept() + 5;

    while (has_row(list_all(), "id", "0000:03:00.0") != present) {
        cr_assert_leq(machine_slept(), end, "the list does not follow the kernel's events");
        machine_sleep(100);
    }
}

/* The inventory is kept here, and renewed by the kernel's events. */
DAEMON_TEST(lab, removed_device_leaves_the_list_and_comes_back)
{
    comes_to_be(true);
    write_attribute("/sys/bus/pci/devices/0000:03:00.0/remove");
    comes_to_be(false);
    write_attribute("/sys/bus/pci/rescan");
    comes_to_be(true);
}
