/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Privileges and roles. */
#include <criterion/criterion.h>
#include <string.h>

#include "access/role.h"
#include "base/memory.h"
#include "tests/unit/access/fixture.h"

static uint64_t privileges_of(const json_t *sets, const char *role)
{
    const json_t *set = json_object_get(sets, role);

    cr_assert_not_null(set, "%s", role);
    return (uint64_t)json_integer_value(set);
}

static int count(uint64_t set)
{
    return __builtin_popcountll(set);
}

Test(access_role, finds_each_of_the_47_privileges)
{
    for (size_t i = 0; i < PRIVILEGE_COUNT; i++) {
        cr_assert_eq(privilege_find(privilege_names[i]), UINT64_C(1) << i, "%s", privilege_names[i]);
        if (i > 0)
            cr_assert_lt(strcmp(privilege_names[i - 1], privilege_names[i]), 0, "%s", privilege_names[i]);
    }
    cr_assert_eq(privilege_find("VM.Monitor"), 0);
    cr_assert_eq(privilege_find("vm.audit"), 0);
    cr_assert_eq(privilege_find(""), 0);
}

Test(access_role, names_only_privileges_that_exist)
{
    for (size_t i = 0; i < builtin_role_count; i++)
        for (const char *const *name = builtin_roles[i].privileges; *name != NULL; name++)
            cr_assert_neq(privilege_find(*name), 0, "%s of %s", *name, builtin_roles[i].name);
}

Test(access_role, has_the_built_in_roles)
{
    static const struct {
        const char *name;
        int privileges;
    } roles[] = {
        {"Administrator", 47},    {"NoAccess", 0},         {"PVEAdmin", 40},       {"PVEAuditor", 7},
        {"PVEDatastoreAdmin", 4}, {"PVEDatastoreUser", 2}, {"PVEMappingAdmin", 3}, {"PVEMappingUser", 2},
        {"PVEPoolAdmin", 2},      {"PVEPoolUser", 1},      {"PVESDNAdmin", 3},     {"PVESDNUser", 2},
        {"PVESysAdmin", 3},       {"PVETemplateUser", 2},  {"PVEUserAdmin", 3},    {"PVEVMAdmin", 23},
        {"PVEVMUser", 10},
    };
    autojson json_t *sets = role_sets(NULL);

    cr_assert_eq(json_object_size(sets), COUNT_OF(roles));
    for (size_t i = 0; i < COUNT_OF(roles); i++)
        cr_assert_eq(count(privileges_of(sets, roles[i].name)), roles[i].privileges, "%s", roles[i].name);
}

Test(access_role, the_admin_may_do_all_but_what_changes_the_host)
{
    static const char *const not_for_admins[] = {"Mapping.Modify",    "Permissions.Modify", "Realm.Allocate",
                                                 "Sys.AccessNetwork", "Sys.Incoming",       "Sys.Modify",
                                                 "Sys.PowerMgmt"};
    autojson json_t *sets = role_sets(NULL);
    uint64_t left = privileges_of(sets, "Administrator") & ~privileges_of(sets, "PVEAdmin");

    for (size_t i = 0; i < COUNT_OF(not_for_admins); i++)
        cr_assert_neq(left & privilege_find(not_for_admins[i]), 0, "%s", not_for_admins[i]);
    cr_assert_eq(count(left), COUNT_OF(not_for_admins));
}

Test(access_role, the_auditor_may_see_everything)
{
    autojson json_t *sets = role_sets(NULL);
    uint64_t auditor = privileges_of(sets, "PVEAuditor");

    for (size_t i = 0; i < PRIVILEGE_COUNT; i++) {
        const char *end = strrchr(privilege_names[i], '.');
        cr_assert_eq((auditor >> i & 1) != 0, strcmp(end, ".Audit") == 0, "%s", privilege_names[i]);
    }
}

Test(access_role, takes_roles_from_documents)
{
    autojson json_t *documents =
        fixture_json("{'Operator': {'privs': ['VM.Audit', 'VM.PowerMgmt', 'VM.Gone', 7]},"
                     " 'Empty': {}, 'PVEAuditor': {'privs': ['Sys.Modify']}}");
    autojson json_t *sets = role_sets(documents);

    cr_assert_eq(privileges_of(sets, "Operator"),
                 privilege_find("VM.Audit") | privilege_find("VM.PowerMgmt"));
    cr_assert_eq(privileges_of(sets, "Empty"), 0);
    cr_assert_eq(count(privileges_of(sets, "PVEAuditor")), 7, "a built-in role cannot be replaced");
}

static const char *const people[] = {"user:root@pam:",
                                     "user:ops@pve:",
                                     "user:sub@pve:",
                                     "role:Ops:Sys.Modify,VM.Audit:",
                                     "acl:1:/:ops@pve:Ops:",
                                     "acl:1:/access:sub@pve:Administrator:",
                                     NULL};
static const struct identity root = {.user = "root@pam"}, ops = {.user = "ops@pve"},
                             sub = {.user = "sub@pve"};

static void expect_role(struct storage *storage, const char *id, const char *text)
{
    struct error err;
    json_t *shown;

    cr_assert_eq(role_read(storage, id, &shown, &err), 0, "%s", err.message);
    fixture_expect_json(shown, text);
}

Test(access_role, own_ones_are_created_changed_and_deleted_with_their_entries)
{
    autoworld struct world world;
    make_world(&world, (const char *const[]){"user:root@pam:", NULL});
    struct storage *storage = world.storage;
    struct error err;
    json_t *acl;

    cr_assert_eq(role_create(world.access, &root, "Operator", "VM.PowerMgmt,VM.Audit VM.Audit", &err), 0,
                 "%s", err.message);
    expect_role(storage, "Operator", "{'VM.Audit': 1, 'VM.PowerMgmt': 1}");
    cr_assert_eq(role_update(world.access, &root, "Operator", "VM.Console", true, &err), 0);
    expect_role(storage, "Operator", "{'VM.Audit': 1, 'VM.PowerMgmt': 1, 'VM.Console': 1}");
    cr_assert_eq(role_update(world.access, &root, "Operator", NULL, false, &err), 0);
    expect_role(storage, "Operator", "{'VM.Audit': 1, 'VM.PowerMgmt': 1, 'VM.Console': 1}");
    cr_assert_eq(role_update(world.access, &root, "Operator", "Sys.Audit", false, &err), 0);
    expect_role(storage, "Operator", "{'Sys.Audit': 1}");
    cr_assert_eq(role_create(world.access, &root, "Empty", NULL, &err), 0);
    expect_role(storage, "Empty", "{}");

    fixture_put(storage, "acl", "/", "{'users': {'joe@pve': {'Operator': 1, 'Empty': 1}}}");
    fixture_put(storage, "acl", "/vms", "{'groups': {'staff': {'Operator': 0}}}");
    cr_assert_eq(role_delete(storage, "Operator", &err), 0, "%s", err.message);
    cr_assert_eq(object_list(storage, "acl", &acl, &err), 0);
    fixture_expect_json(acl, "{'/': {'users': {'joe@pve': {'Empty': 1}}}}");
}

Test(access_role, are_listed_in_order_with_what_they_give)
{
    autoworld struct world world;
    make_world(&world, (const char *const[]){"user:root@pam:", NULL});
    struct storage *storage = world.storage;
    autojson json_t *list = NULL;
    struct error err;

    cr_assert_eq(role_create(world.access, &root, "Operator", "VM.PowerMgmt,VM.Audit", &err), 0);
    cr_assert_eq(role_list(storage, &list, &err), 0);
    cr_assert_eq(json_array_size(list), builtin_role_count + 1);
    fixture_expect_json(json_incref(json_array_get(list, 2)),
                        "{'roleid': 'Operator', 'privs': 'VM.Audit,VM.PowerMgmt', 'special': 0}");
    fixture_expect_json(json_incref(json_array_get(list, 1)),
                        "{'roleid': 'NoAccess', 'privs': '', 'special': 1}");
    for (size_t i = 1; i < json_array_size(list); i++) {
        const char *before = json_string_value(json_object_get(json_array_get(list, i - 1), "roleid"));
        cr_assert_lt(strcmp(before, json_string_value(json_object_get(json_array_get(list, i), "roleid"))),
                     0);
    }
}

Test(access_role, built_in_ones_and_their_names_stay)
{
    autoworld struct world world;
    make_world(&world, (const char *const[]){"user:root@pam:", NULL});
    struct storage *storage = world.storage;
    static const char *const reserved[] = {"PVEAdmin", "PVEOwn", "pveown", "PvE"};
    struct error err;
    json_t *shown;

    for (size_t i = 0; i < COUNT_OF(reserved); i++) {
        cr_assert_eq(role_create(world.access, &root, reserved[i], "VM.Audit", &err), -1, "%s", reserved[i]);
        cr_assert_str_eq(err.field, "roleid");
    }
    cr_assert_eq(role_create(world.access, &root, "NoAccess", "VM.Audit", &err), -1);
    fixture_expect_error(&err, ERROR_CONFLICT, "create role failed: role 'NoAccess' already exists");
    cr_assert_eq(role_update(world.access, &root, "PVEAdmin", "VM.Audit", false, &err), -1);
    fixture_expect_error(&err, ERROR_FAILED, "auto-generated role 'PVEAdmin' cannot be modified");
    cr_assert_eq(role_delete(storage, "Administrator", &err), -1);
    fixture_expect_error(&err, ERROR_FAILED, "auto-generated role 'Administrator' cannot be deleted");
    cr_assert_eq(role_update(world.access, &root, "Gone", "VM.Audit", false, &err), -1);
    fixture_expect_error(&err, ERROR_NOT_FOUND, "role 'Gone' does not exist");
    cr_assert_eq(role_delete(storage, "Gone", &err), -1);
    fixture_expect_error(&err, ERROR_NOT_FOUND, "role 'Gone' does not exist");
    cr_assert_eq(role_read(storage, "Gone", &shown, &err), -1);
    fixture_expect_error(&err, ERROR_NOT_FOUND, "role 'Gone' does not exist");
    cr_assert_eq(role_create(world.access, &root, "Own", "VM.Audit,VM.Monitor", &err), -1);
    cr_assert_str_eq(err.field, "privs");
    fixture_expect_error(&err, ERROR_INVALID, "invalid privilege 'VM.Monitor'");
}

/* Whoever may change roles has one himself: he could give himself everything by it. */
Test(access_role, gives_nobody_more_than_its_maker_has)
{
    autoworld struct world world;
    make_world(&world, people);
    struct error err;

    cr_assert_eq(role_update(world.access, &ops, "Ops", "Permissions.Modify", true, &err), -1);
    fixture_expect_error(
        &err, ERROR_INVALID,
        "to put 'Permissions.Modify' into the role 'Ops' needs Permissions.Modify on /access, "
        "or 'Permissions.Modify' itself on / with propagation");
    cr_assert_str_eq(err.field, "privs");
    cr_assert_eq(role_update(world.access, &ops, "Ops", "VM.Audit,Sys.Audit", false, &err), -1);
    cr_assert_eq(role_create(world.access, &ops, "More", "VM.Audit,User.Modify", &err), -1);
    expect_role(world.storage, "Ops", "{'Sys.Modify': 1, 'VM.Audit': 1}");
    cr_assert_eq(role_create(world.access, &ops, "Less", "VM.Audit", &err), 0, "%s", err.message);
    cr_assert_eq(role_update(world.access, &ops, "Less", "Sys.Modify", true, &err), 0, "%s", err.message);
    cr_assert_eq(role_create(world.access, &sub, "Any", "VM.Allocate", &err), 0, "%s", err.message);
    cr_assert_eq(role_update(world.access, &ops, "Any", "VM.Allocate,VM.Audit", false, &err), 0,
                 "what a role has already may stay");
}
