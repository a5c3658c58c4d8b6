/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Entries of the access control list: on which paths there can be any, who may make them, whom they name. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>

#include "access/acl_entry.h"
#include "access/user.h"
#include "base/memory.h"
#include "tests/unit/access/fixture.h"

static const struct {
    const char *path;
    bool valid;
} paths[] = {
    {"/", true},
    {"/access", true},
    {"/access/groups", true},
    {"/access/groups/staff", true},
    {"/access/groups/a.b-c_d", true},
    {"/access/groups/staff/x", false},
    {"/access/realm", true},
    {"/access/realm/pve", true},
    {"/access/users", false},
    {"/access/groups/a b", false},
    {"/nodes", true},
    {"/nodes/pve1", true},
    {"/nodes/pve1/x", false},
    {"/pool", true},
    {"/pool/a/b/c", true},
    {"/pool/a/b/c/d", false},
    {"/storage", true},
    {"/storage/local", true},
    {"/storage/local/x", false},
    {"/vms", true},
    {"/vms/100", true},
    {"/vms/999999999", true},
    {"/vms/99", false},
    {"/vms/0100", false},
    {"/vms/1000000000", false},
    {"/vms/web", false},
    {"/mapping", true},
    {"/mapping/pci", true},
    {"/mapping/pci/gpu", true},
    {"/mapping/usb/key", true},
    {"/mapping/pci/gpu/x", false},
    {"/sdn", true},
    {"/sdn/zones", true},
    {"/sdn/zones/z", true},
    {"/sdn/zones/z/v", true},
    {"/sdn/zones/z/v/7", true},
    {"/sdn/zones/z/v/x", false},
    {"/sdn/zones/z/v/7/8", false},
    {"/sdn/controllers/c", true},
    {"/sdn/dns", true},
    {"/sdn/fabrics/f", true},
    {"/sdn/ipams/i", true},
    {"/sdn/prefix-lists/p", true},
    {"/sdn/route-maps/r", true},
    {"/sdn/other", false},
    {"/other", false},
    {"/vm", false},
    {"", false},
    {"/mapping/pci/gp\xc3\xbc", false},
    {"/vms/100\n", false},
};

Test(access_entry, stands_only_on_paths_that_mean_something)
{
    for (size_t i = 0; i < COUNT_OF(paths); i++)
        cr_expect_eq(acl_entry_path_is_valid(paths[i].path), paths[i].valid, "%s", paths[i].path);
}

/* max administers VM 100 and the storages, boss decides about VM 101, joe may only look. */
static const char *const people[] = {
    "user:root@pam:",
    "user:max@pve:",
    "user:boss@pve:",
    "user:joe@pve:",
    "token:joe@pve!ci:0:1:",
    "token:joe@pve!cd:0:1:",
    "group:staff:joe@pve:",
    "role:Security:Permissions.Modify:",
    "role:Looker:VM.Audit:",
    "acl:1:/vms/100:max@pve:PVEVMAdmin:",
    "acl:0:/vms/102:max@pve:PVEVMAdmin:",
    "acl:1:/vms/101:boss@pve:Security:",
    "acl:1:/storage:max@pve:PVEDatastoreAdmin:",
    NULL,
};

static int try_update(struct world *world, const char *caller, const struct acl_entry_change *change,
                      struct error *err)
{
    struct identity identity = identity_of(caller);

    return acl_entry_update(world->access, &identity, change, err);
}

#define UPDATE(world, ...) update(world, &(const struct acl_entry_change){__VA_ARGS__})
static void update(struct world *world, const struct acl_entry_change *change)
{
    struct error err;

    cr_assert_eq(try_update(world, "root@pam", change, &err), 0, "%s", err.message);
}

static void expect_entries(struct world *world, const char *path, const char *text)
{
    autojson json_t *entries = NULL;
    struct error err;

    if (object_read(world->storage, "acl", path, &entries, NULL, &err) != 0)
        entries = json_null();
    fixture_expect_json(json_incref(entries), text);
}

Test(access_entry, is_made_for_every_role_and_everyone)
{
    autoworld struct world world;
    make_world(&world, people);

    UPDATE(&world, .path = "/nodes/pve1/", .roles = "PVEAuditor,Looker", .users = "joe@pve;max@pve",
           .groups = "staff", .tokens = "joe@pve!ci joe@pve!cd", .propagate = true);
    expect_entries(&world, "/nodes/pve1",
                   "{'users': {'joe@pve': {'PVEAuditor': 1, 'Looker': 1}, 'max@pve': {'PVEAuditor': 1, "
                   "'Looker': 1}}, 'groups': {'staff': {'PVEAuditor': 1, 'Looker': 1}}, 'tokens': "
                   "{'joe@pve!ci': {'PVEAuditor': 1, 'Looker': 1}, 'joe@pve!cd': {'PVEAuditor': 1, 'Looker': "
                   "1}}}");
    UPDATE(&world, .path = "/nodes/pve1", .roles = "Looker", .users = "joe@pve");
    expect_entries(&world, "/nodes/pve1",
                   "{'users': {'joe@pve': {'PVEAuditor': 1, 'Looker': 0}, 'max@pve': {'PVEAuditor': 1, "
                   "'Looker': 1}}, 'groups': {'staff': {'PVEAuditor': 1, 'Looker': 1}}, 'tokens': "
                   "{'joe@pve!ci': {'PVEAuditor': 1, 'Looker': 1}, 'joe@pve!cd': {'PVEAuditor': 1, 'Looker': "
                   "1}}}");
}

Test(access_entry, is_taken_away_and_leaves_nothing)
{
    autoworld struct world world;
    make_world(&world, people);

    UPDATE(&world, .path = "/pool", .roles = "Looker,PVEAuditor", .users = "joe@pve", .groups = "staff",
           .propagate = true);
    UPDATE(&world, .path = "/pool", .roles = "Looker", .users = "joe@pve", .remove = true);
    expect_entries(
        &world, "/pool",
        "{'users': {'joe@pve': {'PVEAuditor': 1}}, 'groups': {'staff': {'PVEAuditor': 1, 'Looker': "
        "1}}}");
    UPDATE(&world, .path = "/pool", .roles = "Looker,PVEAuditor", .users = "joe@pve", .groups = "staff",
           .remove = true);
    expect_entries(&world, "/pool", "null");
}

/* Removing an entry that does not exist succeeds, whatever its path and names are. */
Test(access_entry, that_does_not_exist_is_taken_away_already)
{
    autoworld struct world world;
    make_world(&world, people);

    UPDATE(&world, .path = "/vms/100", .roles = "Gone", .users = "gone@pve", .groups = "gone",
           .tokens = "joe@pve!gone", .remove = true);
    UPDATE(&world, .path = "/no/such/path", .roles = "PVEAuditor", .users = "joe@pve", .remove = true);
    expect_entries(&world, "/no/such/path", "null");
    expect_entries(&world, "/vms/100", "{'users': {'max@pve': {'PVEVMAdmin': 1}}}");
}

/* Every request reads all entries on the paths above its own. */
Test(access_entry, of_which_a_path_has_a_bounded_number)
{
    autoworld struct world world;
    make_world(&world, people);
    struct change_set *set = change_set_new();
    json_t *users = json_object();
    const struct acl_entry_change more = {.path = "/vms", .roles = "Looker", .users = "joe@pve"};
    struct error err;

    for (int i = 0; i < 5000; i++) {
        autofree char *name = xasprintf("u%d@pve", i);
        json_object_set_new(users, name, json_pack("{s:i}", "Looker", 1));
    }
    change_set_put(set, "acl", "/vms", REVISION_ANY, json_pack("{s:o}", "users", users));
    cr_assert_eq(storage_commit(world.storage, set, &err), 0, "%s", err.message);
    cr_assert_eq(try_update(&world, "root@pam", &more, &err), -1);
    cr_assert_str_eq(err.message,
                     "ACL update failed: at most 5000 users, groups and tokens can have roles on a path, and "
                     "this would be 5001: give the role to a group that they are in");
    UPDATE(&world, .path = "/vms", .roles = "Looker", .users = "u1@pve", .remove = true);
    UPDATE(&world, .path = "/vms", .roles = "Looker", .users = "joe@pve");
}

Test(access_entry, names_what_exists)
{
    static const struct {
        struct acl_entry_change change;
        const char *message;
    } wrong[] = {
        {{.path = "/", .roles = "Gone", .users = "joe@pve"}, "ACL update failed: role 'Gone' does not exist"},
        {{.path = "/", .roles = "Looker,Gone", .users = "joe@pve"},
         "ACL update failed: role 'Gone' does not exist"},
        {{.path = "/", .roles = "Looker", .users = "joe@pve,x@pve"},
         "ACL update failed: no such user ('x@pve')"},
        {{.path = "/", .roles = "Looker", .groups = "x"}, "ACL update failed: group 'x' does not exist"},
        {{.path = "/", .roles = "Looker", .tokens = "joe@pve!x"},
         "ACL update failed: no such token 'x' for user 'joe@pve'"},
        {{.path = "/", .roles = "Looker", .tokens = "x@pve!ci"}, "ACL update failed: no such user ('x@pve')"},
        {{.path = "/other", .roles = "Looker", .users = "joe@pve"}, "invalid ACL path '/other'"},
        {{.path = "/", .roles = "Looker"}, "one of 'users', 'groups' and 'tokens' is needed"},
    };
    autoworld struct world world;
    make_world(&world, people);
    struct error err;

    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        cr_assert_eq(try_update(&world, "root@pam", &wrong[i].change, &err), -1, "case %zu", i);
        cr_expect_str_eq(err.message, wrong[i].message);
    }
    expect_entries(&world, "/", "null");
}

/* Without Permissions.Modify a caller grants what he has, as far down as he has it, and nothing else. */
Test(access_entry, hands_on_what_its_maker_has)
{
    static const struct {
        const char *caller;
        struct acl_entry_change change;
        bool allowed;
    } cases[] = {
        {"max@pve", {.path = "/vms/100", .roles = "PVEVMUser", .users = "joe@pve", .propagate = true}, true},
        {"max@pve", {.path = "/vms/100", .roles = "PVEVMAdmin", .groups = "staff", .propagate = true}, true},
        {"max@pve", {.path = "/vms/100", .roles = "Looker", .tokens = "joe@pve!ci"}, true},
        {"max@pve", {.path = "/vms/100", .roles = "Looker,PVEAuditor", .users = "joe@pve"}, false},
        {"max@pve", {.path = "/vms/100", .roles = "Administrator", .users = "max@pve"}, false},
        {"max@pve", {.path = "/vms/100", .roles = "NoAccess", .users = "joe@pve"}, false},
        {"max@pve", {.path = "/vms/100", .roles = "NoAccess", .users = "joe@pve", .remove = true}, false},
        {"max@pve", {.path = "/vms/100", .roles = "PVEVMUser", .users = "joe@pve", .remove = true}, true},
        {"max@pve", {.path = "/vms/100", .roles = "Security", .users = "boss@pve", .remove = true}, false},
        {"max@pve", {.path = "/vms/102", .roles = "PVEVMUser", .users = "joe@pve", .propagate = true}, false},
        {"max@pve", {.path = "/vms/102", .roles = "PVEVMUser", .users = "joe@pve"}, true},
        {"max@pve",
         {.path = "/vms/102", .roles = "PVEVMUser", .users = "joe@pve", .propagate = true, .remove = true},
         true},
        {"max@pve", {.path = "/vms/103", .roles = "Looker", .users = "joe@pve"}, false},
        {"max@pve", {.path = "/storage/a", .roles = "PVEDatastoreUser", .users = "joe@pve"}, true},
        {"boss@pve", {.path = "/vms/101", .roles = "NoAccess", .users = "joe@pve", .propagate = true}, true},
        {"boss@pve", {.path = "/vms/101", .roles = "Administrator", .users = "joe@pve"}, true},
        {"boss@pve", {.path = "/vms/100", .roles = "Looker", .users = "joe@pve"}, false},
        {"joe@pve", {.path = "/vms/100", .roles = "Looker", .users = "joe@pve"}, true}, /* staff may by now */
        {"joe@pve", {.path = "/vms/101", .roles = "VMX", .users = "joe@pve"}, false},
        {"root@pam", {.path = "/vms/100", .roles = "NoAccess", .users = "joe@pve"}, true},
    };
    autoworld struct world world;
    make_world(&world, people);

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct error err = {0};
        int result = try_update(&world, cases[i].caller, &cases[i].change, &err);
        if (cases[i].allowed)
            cr_expect_eq(result, 0, "case %zu: %s", i, err.message);
        else
            cr_expect(result == -1 && (strcmp(err.field, "role") == 0 || err.kind == ERROR_NOT_FOUND),
                      "case %zu: %s", i, err.message);
    }
}

static bool shows_all(const char *path, void *context)
{
    (void)path, (void)context;
    return true;
}

Test(access_entry, are_listed_a_row_each)
{
    autoworld struct world world;
    make_world(&world, people);
    struct error err;
    json_t *list;

    UPDATE(&world, .path = "/", .roles = "Looker", .groups = "staff", .tokens = "joe@pve!ci");
    cr_assert_eq(acl_entry_list(world.access, shows_all, NULL, &list, &err), 0, "%s", err.message);
    fixture_expect_json(
        list, "[{'path':'/','type':'group','ugid':'staff','roleid':'Looker','propagate':0},"
              "{'path':'/','type':'token','ugid':'joe@pve!ci','roleid':'Looker','propagate':0},"
              "{'path':'/storage','type':'user','ugid':'max@pve','roleid':'PVEDatastoreAdmin','propagate':1},"
              "{'path':'/vms/100','type':'user','ugid':'max@pve','roleid':'PVEVMAdmin','propagate':1},"
              "{'path':'/vms/101','type':'user','ugid':'boss@pve','roleid':'Security','propagate':1},"
              "{'path':'/vms/102','type':'user','ugid':'max@pve','roleid':'PVEVMAdmin','propagate':0}]");
}

/* Grants joe something again and again while the test deletes him: either the grant comes too late, or it is
 * deleted with him. */
struct granter {
    struct world *world;
    struct error err;
};

static void *grant_until_gone(void *context)
{
    const struct acl_entry_change change = {.path = "/vms", .roles = "Looker", .users = "joe@pve"};
    struct granter *granter = context;

    while (try_update(granter->world, "root@pam", &change, &granter->err) == 0)
        continue;
    return NULL;
}

Test(access_entry, of_one_who_is_deleted_meanwhile_does_not_stay, .timeout = 60)
{
    autoworld struct world world;
    make_world(&world, people);
    struct granter granter = {.world = &world};
    struct error err;
    pthread_t thread;

    cr_assert_eq(pthread_create(&thread, NULL, grant_until_gone, &granter), 0);
    while (user_delete(world.storage, "joe@pve", &err) != 0)
        cr_assert_eq(err.kind, ERROR_CONFLICT, "%s", err.message);
    pthread_join(thread, NULL);
    cr_assert_str_eq(granter.err.message, "ACL update failed: no such user ('joe@pve')");
    expect_entries(&world, "/vms", "null");
}
