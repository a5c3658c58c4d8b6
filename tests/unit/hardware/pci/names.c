/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names from pci.ids. */
#include <criterion/criterion.h>
#include <string.h>
#include <time.h>

#include "hardware/pci/names.h"
#include "tests/unit/hardware/fixture.h"

#define IDS "usr/share/misc/pci.ids"

static const struct pci_device drive = {
    .vendor = 0x144d, .device = 0xa808, .subsystem_vendor = 0x144d, .subsystem_device = 0xa801};

static struct names *open_names(const struct tree *tree)
{
    struct names *names;
    struct error err;

    cr_assert_eq(names_open(tree->sysroot, &names, &err), 0);
    return names;
}

/* Longer than the file may go unnoticed. */
static void let_changes_be_noticed(void)
{
    nanosleep(&(const struct timespec){.tv_nsec = (NAMES_CHECK_MS + 20) * 1000000L}, NULL);
}

Test(names, come_from_the_hosts_file)
{
    autotree struct tree tree;
    struct pci_names found;

    tree_make_host(&tree, "workstation");
    struct names *names = open_names(&tree);
    names_look_up(names, &drive, &found);
    cr_assert_str_eq(found.vendor, "Samsung Electronics Co Ltd");
    cr_assert_str_eq(found.device, "NVMe SSD Controller SM981/PM981/PM983");
    cr_assert_str_eq(found.subsystem_vendor, "Samsung Electronics Co Ltd");
    cr_assert_str_eq(found.subsystem_device, "SSD 970 EVO");
    names_close(names);
}

Test(names, are_empty_where_the_file_has_none)
{
    autotree struct tree tree;
    struct pci_device unknown_device = drive, unknown_vendor = drive, bridge = drive;
    struct pci_names found;

    tree_make(&tree);
    tree_write(&tree, IDS, "0000  Nobody\n144d  Samsung\n\ta808  Drive\n\t\t144d a801  970\n");
    struct names *names = open_names(&tree);
    unknown_device.device = 0x1234;
    names_look_up(names, &unknown_device, &found);
    cr_assert_str_eq(found.vendor, "Samsung");
    cr_assert_str_eq(found.device, "");
    cr_assert_str_eq(found.subsystem_vendor, "Samsung");
    cr_assert_str_eq(found.subsystem_device, "");
    unknown_vendor.vendor = 0x1234;
    names_look_up(names, &unknown_vendor, &found);
    cr_assert_str_eq(found.vendor, "");
    cr_assert_str_eq(found.device, "");
    bridge.subsystem_vendor = bridge.subsystem_device = 0;
    names_look_up(names, &bridge, &found);
    cr_assert_str_eq(found.device, "Drive");
    cr_assert_str_eq(found.subsystem_vendor, "", "0000 is no vendor but none");
    names_close(names);
}

Test(names, change_with_the_file)
{
    autotree struct tree tree;
    struct pci_names found;

    tree_make(&tree);
    tree_write(&tree, IDS, "144d  Old\n");
    struct names *names = open_names(&tree);
    uint64_t before = names_generation(names);
    cr_assert_eq(names_generation(names), before);
    tree_write(&tree, IDS, "144d  New name\n");
    let_changes_be_noticed();
    cr_assert_neq(names_generation(names), before);
    names_look_up(names, &drive, &found);
    cr_assert_str_eq(found.vendor, "New name");
    names_close(names);
}

/* libpci by itself calls exit(1) for a malformed file. */
Test(names, survive_a_malformed_file_and_keep_what_they_had)
{
    autotree struct tree tree;
    struct pci_names found;

    tree_make(&tree);
    tree_write(&tree, IDS, "144d  Samsung\n");
    struct names *names = open_names(&tree);
    tree_write(&tree, IDS, "144d  Other\nthis is no line of pci.ids\n");
    let_changes_be_noticed();
    names_look_up(names, &drive, &found);
    cr_assert_str_eq(found.vendor, "Samsung");
    tree_delete(&tree, IDS);
    let_changes_be_noticed();
    names_look_up(names, &drive, &found);
    cr_assert_str_eq(found.vendor, "Samsung");
    tree_write(&tree, IDS, "144d  Again\n");
    let_changes_be_noticed();
    names_look_up(names, &drive, &found);
    cr_assert_str_eq(found.vendor, "Again");
    names_close(names);
}

Test(names, survive_a_file_that_was_malformed_from_the_start)
{
    autotree struct tree tree;
    struct pci_names found;

    tree_make(&tree);
    tree_write_bytes(&tree, IDS, "\x80\xff\0\t\t\t\n144d", 11);
    struct names *names = open_names(&tree);
    names_look_up(names, &drive, &found);
    cr_assert_str_eq(found.vendor, "");
    names_close(names);
}

Test(names, survive_an_empty_file)
{
    autotree struct tree tree;
    struct pci_names found;

    tree_make(&tree);
    tree_write(&tree, IDS, "");
    struct names *names = open_names(&tree);
    names_look_up(names, &drive, &found);
    cr_assert_str_eq(found.vendor, "");
    names_close(names);
}

Test(names, are_always_utf8)
{
    autotree struct tree tree;
    struct pci_names found;

    tree_make(&tree);
    tree_write(&tree, IDS, "144d  S\xc3\xb8ren\n\ta808  S\xf8ren\n");
    struct names *names = open_names(&tree);
    names_look_up(names, &drive, &found);
    cr_assert_str_eq(found.vendor, "S\xc3\xb8ren");
    cr_assert_str_eq(found.device, "S?ren");
    names_close(names);
}

Test(names, are_cut_where_they_are_too_long)
{
    autotree struct tree tree;
    struct pci_names found;
    char line[600] = "144d  ";

    tree_make(&tree);
    memset(line + 6, 'x', 500);
    line[506] = '\n';
    tree_write(&tree, IDS, line);
    struct names *names = open_names(&tree);
    names_look_up(names, &drive, &found);
    cr_assert_eq(strlen(found.vendor), NAME_SIZE - 1);
    names_close(names);
}

Test(names, can_be_closed_when_never_opened)
{
    names_close(NULL);
}
