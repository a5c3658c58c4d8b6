/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which mappings and VMs name a device, and that the index follows from the documents alone. */
#include <criterion/criterion.h>

#include "base/memory.h"
#include "base/text.h"
#include "storage/internal.h"
#include "storage/sqlite.h"
#include "tests/unit/storage/fixture.h"

static void expect_mappings(struct storage *storage, const char *node, const char *path, const char *ids)
{
    json_t *mappings;
    struct error err;

    cr_assert_eq(index_mappings_of_device(storage, node, path, &mappings, &err), 0, "%s", err.message);
    fixture_expect_json(mappings, ids);
}

static void expect_vms(struct storage *storage, const char *node, const char *path, const char *vms)
{
    json_t *found;
    struct error err;

    cr_assert_eq(index_vms_of_device(storage, node, path, &found, &err), 0, "%s", err.message);
    fixture_expect_json(found, vms);
}

/* All rows of the index, as text. */
static char *print_rows(struct storage *storage)
{
    autostmt sqlite3_stmt *select = NULL;
    struct text text = {0};
    struct error err;

    cr_assert_eq(sqlite_prepare(storage->writer,
                                "SELECT mapping, node, path, device FROM pci_mapping_entry "
                                "UNION ALL SELECT vm, node, key, path FROM vm_device "
                                "UNION ALL SELECT vm, node, key, mapping FROM vm_mapping ORDER BY 1, 2, 3, 4",
                                &select, &err),
                 0, "%s", err.message);
    while (sqlite_step(select, &err) > 0)
        text_printf(&text, "%s %s %s %s\n", sqlite_string(select, 0), sqlite_string(select, 1),
                    sqlite_string(select, 2), sqlite_string(select, 3));
    return text_take(&text);
}

static void rebuild(struct storage *storage)
{
    struct error err;

    cr_assert_eq(sqlite_begin(storage->writer, &err), 0);
    cr_assert_eq(index_rebuild(storage->writer, storage->index, &err), 0, "%s", err.message);
    cr_assert_eq(sqlite_commit(storage->writer, &err), 0);
}

static void fill(struct storage *storage)
{
    fixture_put(storage, "mapping-pci", "gpu",
                "{'map': [{'node': 'pve1', 'path': '0000:81:00.0;0000:81:00.1', 'id': '10de:2235'},"
                "         {'node': 'pve2', 'path': '0000:01:00', 'id': '10de:2235', 'iommugroup': 7}]}");
    fixture_put(storage, "mapping-pci", "any-nvidia",
                "{'map': [{'node': 'pve1', 'path': '0000:81:00.0', 'id': '10de:2235'}], 'description': 'x'}");
    fixture_put(storage, "mapping-pci", "vmd",
                "{'map': [{'node': 'pve1', 'path': '10000:e1:00.0', 'id': '144d:a80a'}]}");
    fixture_put(storage, "vm", "100",
                "{'node': 'pve1', 'config': {'hostpci0': '0000:81:00.1,pcie=1', 'name': '0000:09:00.0'}}");
    fixture_put(storage, "vm", "20000", "{'node': 'pve1', 'config': {'hostpci3': 'x-vga=1,mapping=gpu'}}");
    fixture_put(storage, "group", "gpu", "{'map': [{'node': 'pve1', 'path': '0000:81:00.0', 'id': '1:2'}]}");
}

Test(passthrough_index, tells_which_mappings_name_a_device)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);

    fill(storage);
    expect_mappings(storage, "pve1", "0000:81:00.0", "['any-nvidia', 'gpu']");
    expect_mappings(storage, "pve1", "0000:81:00.1", "['gpu']");
    expect_mappings(storage, "pve1", "0000:81:00.2", "[]");
    expect_mappings(storage, "pve2", "0000:81:00.0", "[]");
    expect_mappings(storage, "pve1", "10000:e1:00.0", "['vmd']");
    expect_mappings(storage, "pve1", "0000:e1:00.0", "[]");
}

Test(passthrough_index, a_path_without_function_names_all_functions)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);

    fill(storage);
    expect_mappings(storage, "pve2", "0000:01:00.0", "['gpu']");
    expect_mappings(storage, "pve2", "0000:01:00.7", "['gpu']");
    expect_mappings(storage, "pve2", "0000:01:00", "['gpu']");
    expect_mappings(storage, "pve1", "0000:81:00", "[]");
}

Test(passthrough_index, follows_changes_and_deletions)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);
    struct change_set *set = change_set_new();
    struct error err;

    fill(storage);
    fixture_put(storage, "mapping-pci", "gpu",
                "{'map': [{'node': 'pve1', 'path': '0000:02:00.0', 'id': '10de:2235'}]}");
    expect_mappings(storage, "pve1", "0000:81:00.0", "['any-nvidia']");
    expect_mappings(storage, "pve1", "0000:02:00.0", "['gpu']");
    change_set_delete(set, "mapping-pci", "gpu", REVISION_ANY);
    cr_assert_eq(storage_commit(storage, set, &err), 0);
    expect_mappings(storage, "pve1", "0000:02:00.0", "[]");
}

Test(passthrough_index, stays_as_it_was_when_the_set_is_refused)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);
    struct change_set *set = change_set_new();
    struct error err;

    fill(storage);
    change_set_delete(set, "mapping-pci", "gpu", 1);
    change_set_delete(set, "mapping-pci", "vmd", 9);
    cr_assert_eq(storage_commit(storage, set, &err), -1);
    expect_mappings(storage, "pve1", "0000:81:00.1", "['gpu']");
}

Test(passthrough_index, can_be_made_anew)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);

    fill(storage);
    autofree char *derived = print_rows(storage);
    cr_assert_not_null(strstr(derived, "gpu pve1 0000:81:00.1 10de:2235\n"));
    cr_assert_not_null(strstr(derived, "100 pve1 hostpci0 0000:81:00.1\n"));
    cr_assert_not_null(strstr(derived, "20000 pve1 hostpci3 gpu\n"));
    rebuild(storage);
    autofree char *same = print_rows(storage);
    cr_assert_str_eq(same, derived);

    cr_assert_eq(
        sqlite3_exec(storage->writer, "UPDATE pci_mapping_entry SET node = 'wrong'", NULL, NULL, NULL), 0);
    cr_assert_eq(sqlite3_exec(storage->writer, "UPDATE vm_device SET vm = 7", NULL, NULL, NULL), 0);
    cr_assert_eq(sqlite3_exec(storage->writer, "DELETE FROM vm_mapping", NULL, NULL, NULL), 0);
    rebuild(storage);
    autofree char *again = print_rows(storage);
    cr_assert_str_eq(again, derived);
}

Test(passthrough_index, tells_which_vms_name_a_device_and_by_which_key)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);

    fixture_put(storage, "vm", "100", "{'node': 'pve1', 'config': {'hostpci0': '0000:01:00.0,pcie=1'}}");
    fixture_put(storage, "vm", "101",
                "{'node': 'pve1', 'config': {'hostpci10': '01:00', 'hostpci2': '01:00'}}");
    fixture_put(storage, "vm", "99999",
                "{'node': 'pve1', 'config': {'hostpci1': 'rombar=0,host=02:00.1;01:00.0'}}");
    fixture_put(storage, "vm", "102", "{'node': 'pve2', 'config': {'hostpci0': '0000:01:00.0'}}");
    expect_vms(storage, "pve1", "0000:01:00.0",
               "[{'vmid': 100, 'key': 'hostpci0'}, {'vmid': 101, 'key': 'hostpci2'},"
               " {'vmid': 101, 'key': 'hostpci10'}, {'vmid': 99999, 'key': 'hostpci1'}]");
    expect_vms(storage, "pve1", "0000:01:00.1",
               "[{'vmid': 101, 'key': 'hostpci2'}, {'vmid': 101, 'key': 'hostpci10'}]");
    expect_vms(storage, "pve1", "0000:02:00.1", "[{'vmid': 99999, 'key': 'hostpci1'}]");
    expect_vms(storage, "pve1", "0001:01:00.0", "[]");
    expect_vms(storage, "pve2", "0000:01:00.0", "[{'vmid': 102, 'key': 'hostpci0'}]");
}

Test(passthrough_index, a_vm_names_the_devices_that_its_mapping_has_on_its_node)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);

    fill(storage);
    fixture_put(storage, "vm", "300", "{'node': 'pve2', 'config': {'hostpci0': 'mapping=gpu'}}");
    expect_vms(storage, "pve1", "0000:81:00.0", "[{'vmid': 20000, 'key': 'hostpci3'}]");
    expect_vms(storage, "pve1", "0000:81:00.1",
               "[{'vmid': 100, 'key': 'hostpci0'}, {'vmid': 20000, 'key': 'hostpci3'}]");
    expect_vms(storage, "pve2", "0000:01:00.1", "[{'vmid': 300, 'key': 'hostpci0'}]");
    expect_vms(storage, "pve2", "0000:81:00.0", "[]");
}

Test(passthrough_index, pending_changes_of_a_vm_count_too)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);

    fixture_put(storage, "vm", "100",
                "{'node': 'pve1', 'config': {'hostpci0': '0000:01:00.0'},"
                " 'pending': {'hostpci0': '0000:02:00.0', 'hostpci1': '0000:01:00.0'},"
                " 'delete': {'hostpci2': 1}}");
    expect_vms(storage, "pve1", "0000:01:00.0",
               "[{'vmid': 100, 'key': 'hostpci0'}, {'vmid': 100, 'key': 'hostpci1'}]");
    expect_vms(storage, "pve1", "0000:02:00.0", "[{'vmid': 100, 'key': 'hostpci0'}]");
}

Test(passthrough_index, follows_a_vm_to_another_node_and_to_its_end)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);
    struct change_set *set = change_set_new();
    struct error err;

    fixture_put(storage, "vm", "100", "{'node': 'pve1', 'config': {'hostpci0': '0000:01:00.0'}}");
    fixture_put(storage, "vm", "100", "{'node': 'pve2', 'config': {'hostpci0': '0000:01:00.0'}}");
    expect_vms(storage, "pve1", "0000:01:00.0", "[]");
    expect_vms(storage, "pve2", "0000:01:00.0", "[{'vmid': 100, 'key': 'hostpci0'}]");
    change_set_delete(set, "vm", "100", REVISION_ANY);
    cr_assert_eq(storage_commit(storage, set, &err), 0, "%s", err.message);
    expect_vms(storage, "pve2", "0000:01:00.0", "[]");
}
