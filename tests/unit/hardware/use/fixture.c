/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fixture of the tests of hardware/use/use.h. */
#include "tests/unit/hardware/use/fixture.h"

#include <criterion/criterion.h>

#include "base/memory.h"
#include "base/text.h"

static void put_in_group(const struct tree *tree, const char *id, const char *group)
{
    autofree char *link = xasprintf("sys/bus/pci/devices/%s/iommu_group", id);
    autofree char *target = xasprintf("../../../../kernel/iommu_groups/%s", group);

    tree_link(tree, link, target);
}

void host_make(struct tree *tree)
{
    tree_make(tree);
    tree_add_function(tree, "0000:01:00.0", NULL, "20000", "8086:1572", "8086:0000");
    tree_add_function(tree, "0000:02:00.0", NULL, "20000", "8086:1572", "8086:0000");
    put_in_group(tree, "0000:01:00.0", "1");
    put_in_group(tree, "0000:02:00.0", "2");
    tree_write(tree, "proc/1/comm", "init\n");
    tree_write(tree, "proc/1/mountinfo", "22 27 0:21 / /proc rw,relatime - proc proc rw\n");
    tree_write(tree, "sys/class/net/bonding_masters", "\n");
    tree_write(tree, "sys/class/block/.keep", "");
}

void host_add(const struct tree *tree, const char *class, const char *name, const char *where)
{
    autofree char *link = xasprintf("sys/class/%s/%s", class, name);
    autofree char *folder = xasprintf("sys/devices/%s/%s/uevent", where, name);
    autofree char *target = xasprintf("../../devices/%s/%s", where, name);

    tree_write(tree, folder, "");
    tree_link(tree, link, target);
}

void host_add_disk(const struct tree *tree, const char *name, const char *number, const char *where)
{
    autofree char *link = xasprintf("sys/dev/block/%s", number);
    autofree char *target = xasprintf("../../devices/%s/%s", where, name);
    autofree char *file = xasprintf("sys/devices/%s/%s/dev", where, name);

    host_add(tree, "block", name, where);
    tree_write(tree, file, number);
    tree_link(tree, link, target);
}

void host_open(const struct tree *tree, int pid, const char *process, const char *file)
{
    autofree char *link = xasprintf("proc/%d/fd/7", pid);
    autofree char *comm = xasprintf("proc/%d/comm", pid);

    tree_write(tree, comm, process);
    tree_link(tree, link, file);
}

static const char *member(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    cr_assert_not_null(text, "there is no '%s'", key);
    return text;
}

static struct host_uses *scan(const struct tree *tree, const struct inventory *inventory)
{
    struct host_uses *uses;
    struct error err;

    cr_assert_eq(host_uses_scan(tree->sysroot, inventory, &uses, &err), 0, "%s", err.message);
    return uses;
}

void expect_uses(const struct tree *tree, const char *id, const char *lines)
{
    autoinventory struct inventory *inventory = tree_scan(tree);
    autohostuses struct host_uses *uses = scan(tree, inventory);
    autotext struct text found = {0};
    const struct host_use *list;
    size_t count = host_uses_of(uses, address_of(id), &list);

    for (size_t i = 0; i < count; i++) {
        cr_expect_eq(list[i].function, device_of(inventory, id));
        text_printf(&found, "%s %s %s: ", use_weight_names[list[i].weight], use_kind_names[list[i].kind],
                    list[i].name);
        host_use_describe(&list[i], &found);
        text_printf(&found, " [%s]\n", list[i].evidence);
    }
    cr_assert_str_eq(text_string(&found), lines, "expected %s\n   found %s", lines, text_string(&found));
}

void expect_unreadable(const struct tree *tree, const char *lines)
{
    autoinventory struct inventory *inventory = tree_scan(tree);
    autohostuses struct host_uses *uses = scan(tree, inventory);
    autotext struct text found = {0};
    const json_t *entry;
    size_t i;

    json_array_foreach(host_uses_unreadable(uses), i, entry) {
        text_printf(&found, "%s: %s\n", member(entry, "file"), member(entry, "reason"));
    }
    cr_assert_str_eq(text_string(&found), lines, "expected %s\n   found %s", lines, text_string(&found));
}
