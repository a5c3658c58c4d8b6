/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Privileges and roles. */
#include <criterion/criterion.h>
#include <string.h>

#include "access/role.h"
#include "base/memory.h"
#include "tests/unit/storage_fixture.h"

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
