/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Index tables hold what the functions given to storage_open make of documents, and nothing else. What those
 * of the daemon make is tested with passthrough/. */
#include <criterion/criterion.h>

#include "base/memory.h"
#include "storage/index.h"
#include "storage/storage.h"
#include "tests/unit/storage/fixture.h"

/* A document of this kind names one device. */
static int add_label(const char *id, const json_t *body, struct index_rows *rows, struct error *err)
{
    cr_assert_str_eq(id, "7");
    return index_add(rows, INDEX_VM_DEVICE, "pve1", "label",
                     json_string_value(json_object_get(body, "device")), err);
}

static const struct index_kind labels[] = {
    {.kind = "label", .fills = {[INDEX_VM_DEVICE] = true}, .add_rows = add_label},
    {.kind = NULL},
};
static const struct index_kind nothing[] = {{.kind = NULL}};

static struct storage *open_with(const struct fixture *fixture, const struct index_kind *kinds)
{
    struct storage *storage;
    struct error err;

    cr_assert_eq(storage_open(fixture->path, kinds, &storage, &err), 0, "%s", err.message);
    return storage;
}

static void expect_vms(struct storage *storage, const char *path, const char *vms)
{
    json_t *found;
    struct error err;

    cr_assert_eq(index_vms_of_device(storage, "pve1", path, &found, &err), 0, "%s", err.message);
    fixture_expect_json(found, vms);
}

Test(storage_index, holds_what_the_function_of_the_kind_makes_of_a_document)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = open_with(&fixture, labels);
    struct change_set *set = change_set_new();
    struct error err;

    fixture_put(storage, "label", "7", "{'device': '0000:01:00.0'}");
    expect_vms(storage, "0000:01:00.0", "[{'vmid': 7, 'key': 'label'}]");
    fixture_put(storage, "label", "7", "{'device': '0000:02:00.0'}");
    expect_vms(storage, "0000:01:00.0", "[]");
    expect_vms(storage, "0000:02:00.0", "[{'vmid': 7, 'key': 'label'}]");
    change_set_delete(set, "label", "7", 2);
    cr_assert_eq(storage_commit(storage, set, &err), 0, "%s", err.message);
    expect_vms(storage, "0000:02:00.0", "[]");
}

Test(storage_index, holds_nothing_of_other_kinds)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = open_with(&fixture, labels);

    fixture_put(storage, "vm", "7", "{'node': 'pve1', 'config': {'hostpci0': '0000:01:00.0'}}");
    expect_vms(storage, "0000:01:00.0", "[]");
}

/* A migration makes it anew with the functions of this program. */
Test(storage_index, is_made_anew_with_the_functions_that_are_given_now)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    struct storage *storage = open_with(&fixture, nothing);

    fixture_put(storage, "label", "7", "{'device': '0000:01:00.0'}");
    expect_vms(storage, "0000:01:00.0", "[]");
    storage_close(storage);
    fixture_run_sql(
        &fixture, "DROP INDEX document_changed; DROP INDEX document_deleted; "
                  "ALTER TABLE document DROP COLUMN changed; "
                  "DROP TABLE position; DROP TABLE vm_device; DROP TABLE vm_mapping; DROP TABLE reservation;"
                  "PRAGMA user_version = 2");
    storage = open_with(&fixture, labels);
    expect_vms(storage, "0000:01:00.0", "[{'vmid': 7, 'key': 'label'}]");
    storage_close(storage);
}

/* A row that the schema refuses takes the change with it. */
Test(storage_index, a_row_that_cannot_be_stored_refuses_the_change)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = open_with(&fixture, labels);
    struct error err;

    cr_assert_eq(fixture_try_put(storage, "label", "7", 0, "{}", &err), -1);
    fixture_expect_error(&err, ERROR_FAILED, "NOT NULL constraint failed: vm_device.path");
    cr_assert_eq(fixture_revision(storage, "label", "7"), 0);
}
