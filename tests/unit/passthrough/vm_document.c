/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VMs in the storage: each once, changed only by who has seen it as it is, and gone with its rights. */
#include <criterion/criterion.h>

#include "base/memory.h"
#include "passthrough/vm_document.h"
#include "tests/unit/storage/fixture.h"

static json_t *document(const char *name)
{
    return json_pack("{s:s, s:{s:s}}", "node", "pve1", "config", "name", name);
}

static void create(struct storage *storage, long long vmid)
{
    struct error err;

    cr_assert_eq(vm_document_create(storage, vmid, document("web"), &err), 0, "%s", err.message);
}

static int write_document(struct storage *storage, int64_t revision, const char *name, struct error *err)
{
    struct change_set *set = change_set_new();

    vm_document_put(set, 100, revision, document(name));
    return storage_commit(storage, set, err);
}

Test(vm_document, is_created_once)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);
    struct error err;

    cr_assert_eq(vm_document_check_free(storage, 100, &err), 0);
    create(storage, 100);
    cr_assert_eq(vm_document_check_free(storage, 100, &err), -1);
    fixture_expect_error(&err, ERROR_CONFLICT,
                         "unable to create VM 100 - VM 100 already exists on node 'pve1'");
    cr_assert_eq(vm_document_create(storage, 100, document("other"), &err), -1);
    fixture_expect_error(&err, ERROR_CONFLICT,
                         "unable to create VM 100 - VM 100 already exists on node 'pve1'");
}

Test(vm_document, is_read_on_its_own_node)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);
    autojson json_t *found = NULL, *none = NULL;
    int64_t revision;
    struct error err;

    create(storage, 100);
    cr_assert_eq(vm_document_read(storage, "pve1", 100, &found, &revision, &err), 0, "%s", err.message);
    cr_assert_eq(revision, 1);
    cr_assert_str_eq(vm_document_node(found), "pve1");
    cr_assert_eq(vm_document_read(storage, "pve2", 100, &none, NULL, &err), -1);
    fixture_expect_error(&err, ERROR_FAILED,
                         "Configuration file 'nodes/pve2/qemu-server/100.conf' does not exist");
    cr_assert_eq(vm_document_read(storage, "pve1", 101, &none, NULL, &err), -1);
    fixture_expect_error(&err, ERROR_FAILED,
                         "Configuration file 'nodes/pve1/qemu-server/101.conf' does not exist");
    cr_assert_null(none);
}

Test(vm_document, is_changed_by_who_has_seen_it_as_it_is)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);
    struct error err;

    create(storage, 100);
    cr_assert_eq(write_document(storage, 1, "shop", &err), 0, "%s", err.message);
    cr_assert_eq(write_document(storage, 1, "late", &err), -1);
    fixture_expect_error(&err, ERROR_CONFLICT, "changed meanwhile");
    cr_assert_eq(vm_document_delete(storage, 100, 1, &err), -1);
    fixture_expect_error(&err, ERROR_CONFLICT, "changed meanwhile");
    cr_assert_eq(vm_document_delete(storage, 100, 2, &err), 0, "%s", err.message);
    cr_assert_eq(vm_document_check_free(storage, 100, &err), 0);
}

Test(vm_document, has_a_digest)
{
    autojson json_t *web = document("web"), *shop = document("shop");
    char digest[DIGEST_SIZE];
    struct error err;

    object_digest(web, digest);
    cr_assert_eq(vm_document_check_digest(web, NULL, &err), 0);
    cr_assert_eq(vm_document_check_digest(web, digest, &err), 0);
    cr_assert_eq(vm_document_check_digest(shop, digest, &err), -1);
    fixture_expect_error(&err, ERROR_FAILED, "checksum mismatch (file change by other user?)");
}

/* A later VM of that id is somebody else's. */
Test(vm_document, takes_its_entries_of_the_acl_with_it)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);
    autojson json_t *acl = NULL;
    struct error err;

    create(storage, 100);
    fixture_put(storage, "acl", "/vms/100", "{'users': {'joe@pve': {'PVEVMAdmin': 1}}}");
    fixture_put(storage, "acl", "/vms/1000", "{'users': {'joe@pve': {'PVEVMAdmin': 1}}}");
    cr_assert_eq(vm_document_delete(storage, 100, 1, &err), 0, "%s", err.message);
    cr_assert_eq(object_list(storage, "acl", &acl, &err), 0);
    cr_assert_null(json_object_get(acl, "/vms/100"));
    cr_assert_not_null(json_object_get(acl, "/vms/1000"));
}

Test(vm_document, are_listed_piece_by_piece_in_the_order_of_texts)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);
    autojson json_t *first = NULL, *second = NULL, *none = NULL;
    struct error err;

    create(storage, 100);
    create(storage, 99999);
    create(storage, 1000);
    cr_assert_eq(vm_document_list_after(storage, "", 2, &first, &err), 0, "%s", err.message);
    cr_assert_eq(json_object_size(first), 2);
    cr_assert_not_null(json_object_get(first, "100"));
    cr_assert_not_null(json_object_get(first, "1000"));
    cr_assert_eq(vm_document_list_after(storage, "1000", 2, &second, &err), 0);
    cr_assert_eq(json_object_size(second), 1);
    cr_assert_not_null(json_object_get(second, "99999"));
    cr_assert_eq(vm_document_list_after(storage, "99999", 2, &none, &err), 0);
    cr_assert_eq(json_object_size(none), 0);
}
