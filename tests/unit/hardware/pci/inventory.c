/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The snapshot: which functions a host has, and what is known of each. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "tests/unit/hardware/fixture.h"

Test(inventory, tells_of_each_function_what_it_is_and_who_drives_it)
{
    autotree struct tree tree;

    tree_make_host(&tree, "workstation");
    autoinventory struct inventory *inventory = tree_scan(&tree);
    const struct pci_device *graphics = device_of(inventory, "0000:01:00.0");
    cr_assert_not_null(graphics);
    cr_assert_eq(graphics->vendor, 0x10de);
    cr_assert_eq(graphics->device, 0x2484);
    cr_assert_eq(graphics->subsystem_vendor, 0x10de);
    cr_assert_eq(graphics->subsystem_device, 0x146b);
    cr_assert_eq(graphics->class_code, 0x030000);
    cr_assert_str_eq(graphics->driver, "nouveau");
    cr_assert_eq(graphics->group, 1);
    cr_assert_not(graphics->virtual_function);
    cr_assert_not(graphics->mdev);
    cr_assert(inventory->has_iommu);
    const struct pci_device *bridge = device_of(inventory, "0000:00:01.0");
    cr_assert_eq(bridge->subsystem_vendor, 0);
    cr_assert_eq(bridge->subsystem_device, 0);
}

Test(inventory, is_sorted_by_address_also_in_large_domains)
{
    autotree struct tree tree;

    tree_make_host(&tree, "big-domain");
    autoinventory struct inventory *inventory = tree_scan(&tree);
    cr_assert_not_null(device_of(inventory, "10000:e1:00.0"));
    for (size_t i = 1; i < inventory->count; i++)
        cr_expect_lt(pci_address_compare(inventory->devices[i - 1].address, inventory->devices[i].address),
                     0);
}

Test(inventory, puts_a_domain_above_ffff_behind_the_others)
{
    autotree struct tree tree;

    tree_make(&tree);
    tree_add_function(&tree, "0000:00:00.0", NULL, "60000", "8086:1234", "0000:0000");
    tree_add_function(&tree, "10000:00:00.0", NULL, "60000", "8086:1234", "0000:0000");
    tree_add_function(&tree, "2000:00:00.0", NULL, "60000", "8086:1234", "0000:0000");
    autoinventory struct inventory *inventory = tree_scan(&tree);
    cr_assert_eq(inventory->count, 3);
    cr_assert_eq(inventory->devices[1].address.domain, 0x2000);
    cr_assert_eq(inventory->devices[2].address.domain, 0x10000);
}

Test(inventory, links_virtual_functions_to_their_physical_one)
{
    autotree struct tree tree;
    size_t count = 0;

    tree_make_host(&tree, "sriov");
    autoinventory struct inventory *inventory = tree_scan(&tree);
    for (size_t i = 0; i < inventory->count; i++)
        count += inventory->devices[i].virtual_function;
    cr_assert_eq(count, 64);
    const struct pci_device *function = device_of(inventory, "0000:3b:02.0");
    cr_assert(function->virtual_function);
    cr_assert_eq(pci_address_compare(function->physical_function, address_of("0000:3b:00.0")), 0);
    cr_assert_not(device_of(inventory, "0000:3b:00.0")->virtual_function);
}

Test(inventory, marks_what_can_create_mediated_devices)
{
    autotree struct tree tree;

    tree_make_host(&tree, "mdev");
    autoinventory struct inventory *inventory = tree_scan(&tree);
    for (size_t i = 0; i < inventory->count; i++) {
        bool parent = pci_address_compare(inventory->devices[i].address, address_of("0000:00:02.0")) == 0;
        cr_expect_eq(inventory->devices[i].mdev, parent);
        cr_expect_not(inventory->devices[i].nvidia);
    }
}

/* Since kernel 6.8 NVIDIA's virtual functions have a folder of their own in place of the kernel's interface.
 */
Test(inventory, marks_nvidias_virtual_functions)
{
    autotree struct tree tree;

    tree_make_host(&tree, "nvidia");
    autoinventory struct inventory *inventory = tree_scan(&tree);
    cr_assert(device_of(inventory, "0000:41:00.4")->mdev);
    cr_assert(device_of(inventory, "0000:41:00.4")->nvidia);
    cr_assert_not(device_of(inventory, "0000:41:00.0")->mdev, "the physical function creates none");
}

Test(inventory, asks_only_nvidias_functions_for_that_folder)
{
    autotree struct tree tree;

    tree_make(&tree);
    tree_add_function(&tree, "0000:02:00.1", NULL, "20000", "8086:154C", "8086:0000");
    tree_link(&tree, "sys/bus/pci/devices/0000:02:00.1/physfn", "../0000:02:00.0");
    tree_write(&tree, "sys/bus/pci/devices/0000:02:00.1/nvidia/creatable_vgpu_types", "");
    autoinventory struct inventory *inventory = tree_scan(&tree);
    cr_assert(inventory->devices[0].virtual_function);
    cr_assert_not(inventory->devices[0].nvidia);
}

Test(inventory, has_no_groups_without_an_iommu)
{
    autotree struct tree tree;

    tree_make_host(&tree, "no-iommu");
    autoinventory struct inventory *inventory = tree_scan(&tree);
    cr_assert_gt(inventory->count, 0);
    cr_assert_not(inventory->has_iommu);
    for (size_t i = 0; i < inventory->count; i++)
        cr_expect_eq(inventory->devices[i].group, -1);
}

Test(inventory, of_a_host_without_pci_is_empty)
{
    autotree struct tree tree;

    tree_make(&tree);
    autoinventory struct inventory *inventory = tree_scan(&tree);
    cr_assert_eq(inventory->count, 0);
    cr_assert_not(inventory->has_iommu);
    cr_assert_null(device_of(inventory, "0000:00:00.0"));
}

Test(inventory, of_a_host_that_cannot_be_listed_is_an_error)
{
    autotree struct tree tree;
    struct inventory *inventory = NULL;
    struct error err;

    tree_make(&tree);
    tree_write(&tree, "sys/bus/pci/devices", "not a folder");
    cr_assert_eq(inventory_scan(tree.sysroot, &inventory, &err), -1);
    cr_assert_str_eq(err.message, "cannot list the PCI devices in /sys/bus/pci/devices: Not a directory");
    cr_assert_null(inventory);
}

/* Bus 03 of that host has every kind of damage. A function is listed if it can be read, with what can be
 * read. */
Test(inventory, survives_missing_truncated_and_wild_files)
{
    autotree struct tree tree;

    tree_make_host(&tree, "broken");
    autoinventory struct inventory *inventory = tree_scan(&tree);
    cr_assert_not_null(device_of(inventory, "0000:01:00.0"), "the healthy ones are there");
    static const char *const unreadable[] = {"0000:03:00.0", "0000:03:01.0", "0000:03:02.0", "0000:03:03.0",
                                             "0000:03:04.0", "0000:03:06.0", "0000:03:07.0", "0000:03:10.0",
                                             "0000:03:11.0", "0000:03:12.0", "0000:03:13.0"};
    for (size_t i = 0; i < COUNT_OF(unreadable); i++)
        cr_expect_null(device_of(inventory, unreadable[i]), "%s", unreadable[i]);
    const struct pci_device *bad_links = device_of(inventory, "0000:03:0d.0");
    cr_assert_not_null(bad_links);
    cr_assert_eq(bad_links->group, -1);
    cr_assert_not(bad_links->virtual_function);
}

Test(inventory, leaves_out_a_device_that_is_being_pulled_out)
{
    autotree struct tree tree;

    tree_make_host(&tree, "vanishing");
    autoinventory struct inventory *inventory = tree_scan(&tree);
    cr_assert_null(device_of(inventory, "0000:03:00.0"));
    cr_assert_null(device_of(inventory, "0000:04:00.0"));
    cr_assert_not_null(device_of(inventory, "0000:01:00.0"));
}

Test(inventory, does_not_change_and_lives_as_long_as_somebody_uses_it)
{
    autotree struct tree tree;

    tree_make_host(&tree, "workstation");
    struct inventory *first = tree_scan(&tree);
    autoinventory struct inventory *second_user = inventory_retain(first);
    inventory_release(first);
    tree_unplug(&tree, "0000:02:00.0");
    cr_assert_not_null(device_of(second_user, "0000:02:00.0"));
    autoinventory struct inventory *later = tree_scan(&tree);
    cr_assert_null(device_of(later, "0000:02:00.0"));
    cr_assert_eq(later->count, second_user->count - 1);
    cr_assert_gt(later->generation, second_user->generation);
    inventory_release(NULL);
}

Test(inventory, of_this_machine_lists_every_function_that_the_kernel_does)
{
    struct tree host = {0};
    autolist char **names = NULL;
    struct error err;

    cr_assert_eq(sysroot_open("/", &host.sysroot, &err), 0);
    autoinventory struct inventory *inventory = tree_scan(&host);
    sysfs_list(sysroot_fd(host.sysroot), "sys/bus/pci/devices", &names);
    for (char **name = names; name != NULL && *name != NULL; name++)
        cr_expect_not_null(device_of(inventory, *name), "%s", *name);
    sysroot_close(host.sysroot);
}

Test(inventory, knows_what_is_on_a_root_bus)
{
    static const struct {
        const char *host, *id;
        bool root;
    } cases[] = {
        {"nvidia", "0000:00:00.0", true},       {"nvidia", "0000:40:01.1", true},
        {"nvidia", "0000:41:00.0", false},      {"big-domain", "10000:e0:06.0", true},
        {"big-domain", "10000:e1:00.0", false}, {"workstation", "0000:01:00.0", false},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        autotree struct tree tree;
        tree_make_host(&tree, cases[i].host);
        autoinventory struct inventory *inventory = tree_scan(&tree);
        cr_expect_eq(device_of(inventory, cases[i].id)->on_root_bus, cases[i].root, "%s", cases[i].id);
    }
}

/* Several threads read it, each a part. */
Test(inventory, of_many_functions_is_whole_and_in_order)
{
    enum { MANY = 2100 };
    autotree struct tree tree;

    tree_make(&tree);
    for (unsigned i = 0; i < MANY; i++) {
        autofree char *file =
            xasprintf("sys/bus/pci/devices/0000:%02x:%02x.%x/modalias", i / 256, i / 8 % 32, i % 8);
        tree_write(&tree, file,
                   i == 900    ? "nonsense\n"
                   : i == 1500 ? "wild\n"
                               : "pci:v00008086d00001234sv00000000sd00000000bc02sc00i00\n");
    }
    autoinventory struct inventory *inventory = tree_scan(&tree);
    cr_assert_eq(inventory->count, MANY - 2);
    cr_assert_eq(inventory->skipped, 2);
    for (size_t i = 0; i < inventory->count; i++) {
        cr_assert_eq(inventory->devices[i].vendor, 0x8086);
        cr_assert(i == 0 ||
                  pci_address_compare(inventory->devices[i - 1].address, inventory->devices[i].address) < 0);
    }
    cr_assert_not(inventory->has_iommu);
}
