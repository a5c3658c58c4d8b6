/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where snapshots come from: fresh ones at each get, or one that is kept until something happens. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/memory.h"
#include "hardware/uevent.h"
#include "tests/unit/hardware_fixture.h"

static struct inventory_source *open_source(const struct tree *tree, enum inventory_mode mode)
{
    struct inventory_source *source;
    struct error err;

    cr_assert_eq(inventory_source_open(tree->sysroot, mode, &source, &err), 0, "%s", err.message);
    return source;
}

static struct inventory *get(struct inventory_source *source)
{
    struct inventory *inventory;
    struct error err;

    cr_assert_eq(inventory_source_get(source, &inventory, &err), 0, "%s", err.message);
    return inventory;
}

Test(inventory_source, fresh_sees_a_change_at_once)
{
    autotree struct tree tree;
    struct error err;
    uint64_t generation;

    tree_make_host(&tree, "workstation");
    struct inventory_source *source = open_source(&tree, INVENTORY_FRESH);
    autoinventory struct inventory *before = get(source);
    tree_unplug(&tree, "0000:02:00.0");
    autoinventory struct inventory *after = get(source);
    cr_assert_not_null(device_of(before, "0000:02:00.0"));
    cr_assert_null(device_of(after, "0000:02:00.0"));
    cr_assert_not(inventory_source_generation(source, &generation), "nothing is kept that could be compared");
    cr_assert_eq(inventory_source_refresh(source, &err), 0);
    inventory_source_close(source);
}

Test(inventory_source, cached_changes_when_it_is_told_to_refresh)
{
    autotree struct tree tree;
    uint64_t first, second;
    struct error err;

    tree_make_host(&tree, "workstation");
    struct inventory_source *source = open_source(&tree, INVENTORY_CACHED);
    autoinventory struct inventory *before = get(source);
    cr_assert(inventory_source_generation(source, &first));
    cr_assert_eq(first, before->generation);
    tree_unplug(&tree, "0000:02:00.0");
    autoinventory struct inventory *same = get(source);
    cr_assert_eq(same, before);
    cr_assert_eq(inventory_source_refresh(source, &err), 0);
    autoinventory struct inventory *after = get(source);
    cr_assert_null(device_of(after, "0000:02:00.0"));
    cr_assert(inventory_source_generation(source, &second));
    cr_assert_gt(second, first);
    inventory_source_close(source);
}

Test(inventory_source, cached_keeps_what_it_has_when_a_refresh_fails)
{
    autotree struct tree tree;
    struct error err;

    tree_make(&tree);
    tree_link(&tree, "sys/bus/pci/devices", "../../../here");
    tree_write(&tree, "here/0000:00:00.0/uevent",
               "PCI_CLASS=60000\nPCI_ID=8086:1234\nPCI_SUBSYS_ID=0000:0000\n");
    struct inventory_source *source = open_source(&tree, INVENTORY_CACHED);
    tree_write(&tree, "sys/bus/pci/devices", "not a folder");
    cr_assert_eq(inventory_source_refresh(source, &err), -1);
    autoinventory struct inventory *inventory = get(source);
    cr_assert_eq(inventory->count, 1);
    inventory_source_close(source);
}

/* No kernel tells of changes in a folder that merely looks like a host. */
Test(inventory_source, auto_is_fresh_for_anything_but_the_real_host)
{
    autotree struct tree tree;
    uint64_t generation;

    tree_make(&tree);
    struct inventory_source *source = open_source(&tree, INVENTORY_AUTO);
    cr_assert_not(inventory_source_generation(source, &generation));
    inventory_source_close(source);
    inventory_source_close(NULL);
}

Test(inventory_source, auto_serves_this_machine, .timeout = 30)
{
    struct tree host = {0};
    struct error err;

    cr_assert_eq(sysroot_open("/", &host.sysroot, &err), 0);
    struct inventory_source *source = open_source(&host, INVENTORY_AUTO);
    autoinventory struct inventory *kept = get(source), *read_now = tree_scan(&host);
    cr_assert_eq(kept->count, read_now->count);
    inventory_source_close(source); /* ends its thread, if it has one */
    sysroot_close(host.sysroot);
}

struct reader {
    struct inventory_source *source;
    atomic_bool stop;
    pthread_t thread;
};

static void *refresh_and_read_all_the_time(void *data)
{
    struct reader *reader = data;
    struct error err;
    uint64_t last = 0;

    while (!atomic_load(&reader->stop)) {
        cr_assert_eq(inventory_source_refresh(reader->source, &err), 0);
        autoinventory struct inventory *inventory = get(reader->source);
        cr_assert_geq(inventory->generation, last, "no older snapshot comes back");
        last = inventory->generation;
    }
    return NULL;
}

Test(inventory_source, never_goes_back_when_many_refresh_it, .timeout = 60)
{
    autotree struct tree tree;
    struct error err;

    tree_make_host(&tree, "workstation");
    struct reader readers[2] = {{.source = open_source(&tree, INVENTORY_CACHED)}, {0}};
    readers[1].source = readers[0].source;
    for (size_t i = 0; i < COUNT_OF(readers); i++)
        cr_assert_eq(pthread_create(&readers[i].thread, NULL, refresh_and_read_all_the_time, &readers[i]), 0);
    for (int i = 0; i < 200; i++)
        cr_assert_eq(inventory_source_refresh(readers[0].source, &err), 0);
    for (size_t i = 0; i < COUNT_OF(readers); i++) {
        atomic_store(&readers[i].stop, true);
        pthread_join(readers[i].thread, NULL);
    }
    inventory_source_close(readers[0].source);
}
