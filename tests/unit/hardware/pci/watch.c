/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where snapshots come from: each get reads the host, or there is a cached one. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/event.h"
#include "base/json.h"
#include "base/memory.h"
#include "hardware/pci/watch.h"
#include "tests/unit/hardware/fixture.h"

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

static void tell_nobody(void *context)
{
    (void)context;
}

Test(inventory_source, tells_which_devices_have_changed)
{
    autotree struct tree tree;
    struct error err;

    tree_make_host(&tree, "workstation");
    struct inventory_source *source = open_source(&tree, INVENTORY_CACHED);
    event_begin(tell_nobody, NULL);
    cr_assert_eq(inventory_source_refresh(source, &err), 0);
    autojson json_t *none = event_list(NULL);
    tree_unplug(&tree, "0000:02:00.0");
    cr_assert_eq(inventory_source_refresh(source, &err), 0);
    autojson json_t *removed = event_list(NULL);
    inventory_source_close(source);
    event_end();
    cr_assert_eq(json_array_size(none), 0);
    cr_assert_eq(json_array_size(removed), 1);
    cr_assert_str_eq(json_text(json_array_get(removed, 0), "id"), "0000:02:00.0");
    cr_assert_str_eq(json_text(json_array_get(removed, 0), "type"), "device");
    cr_assert_eq(json_integer_value(json_object_get(json_array_get(removed, 0), "removed")), 1);
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

/* No kernel sends events about a folder that merely looks like a host. */
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

Test(inventory_source, auto_serves_this_machine, .timeout = 60)
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

static struct inventory_source *shared;
static atomic_bool done;

static void *refresh_all_the_time(void *unused)
{
    struct error err;

    while (!atomic_load(&done))
        inventory_source_refresh(shared, &err);
    return unused;
}

static void *watch_for_older_snapshots(void *seen)
{
    uint64_t last = 0, now = 0;

    for (; !atomic_load(&done); last = now) {
        inventory_source_generation(shared, &now);
        if (now < last)
            *(uint64_t *)seen = now;
    }
    return NULL;
}

/* Of two refreshes at once, the one that began first may end last, with what is out of date by then. */
Test(inventory_source, never_goes_back_when_many_refresh_it, .timeout = 60)
{
    autotree struct tree tree;
    pthread_t threads[3];
    uint64_t older = 0;
    struct error err;

    tree_make_host(&tree, "workstation");
    shared = open_source(&tree, INVENTORY_CACHED);
    cr_assert_eq(pthread_create(&threads[0], NULL, watch_for_older_snapshots, &older), 0);
    cr_assert_eq(pthread_create(&threads[1], NULL, refresh_all_the_time, NULL), 0);
    cr_assert_eq(pthread_create(&threads[2], NULL, refresh_all_the_time, NULL), 0);
    for (int i = 0; i < 500; i++)
        cr_assert_eq(inventory_source_refresh(shared, &err), 0);
    atomic_store(&done, true);
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        pthread_join(threads[i], NULL);
    cr_assert_eq(older, 0, "generation %llu came after a later one", (unsigned long long)older);
    inventory_source_close(shared);
}
