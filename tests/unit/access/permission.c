/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The declared permission of an endpoint: who passes, and which error the others get. */
#include <criterion/criterion.h>
#include <string.h>

#include "access/access.h"
#include "access/acl.h"
#include "base/memory.h"
#include "tests/unit/storage/fixture.h"

static const struct permission world = ALLOW_WORLD, all = ALLOW_ALL, root_only = {.kind = PERMISSION_ROOT};
static const struct permission audit = ALLOW_PRIVILEGE("/", "Sys.Audit");
static const struct permission both = ALLOW_PRIVILEGE("/nodes/{node}", "Sys.Audit", "Sys.Modify");
static const struct permission either = ALLOW_ANY_PRIVILEGE("/", "Sys.Modify", "Sys.PowerMgmt");
static const struct permission vm = ALLOW_PRIVILEGE("/vms/{vmid}", "VM.Audit");
static const struct permission mapping = ALLOW_OR(ALLOW_PRIVILEGE("/mapping/pci/{id}", "Mapping.Use"),
                                                  ALLOW_PRIVILEGE("/mapping/pci/{id}", "Mapping.Audit"));
static const struct permission self = {.kind = PERMISSION_SELF};
static const struct permission group = {.kind = PERMISSION_USER_GROUP,
                                        .privileges = VALUES("User.Modify", "Sys.Audit")};
static const struct permission tokens =
    ALLOW_OR({.kind = PERMISSION_SELF}, {.kind = PERMISSION_USER_GROUP, .privileges = VALUES("User.Modify")});
static const struct permission every = {
    .kind = PERMISSION_AND,
    .checks = (const struct permission[]){
        {.kind = PERMISSION_PRIVILEGES, .path = "/", .privileges = VALUES("Sys.Audit")},
        {.kind = PERMISSION_SELF},
        {.kind = PERMISSION_ROOT}}};

static const struct permission realm = {.kind = PERMISSION_REALM};
static const struct permission not_root = {.kind = PERMISSION_NOT_ROOT};
static const struct permission create = {
    .kind = PERMISSION_USER_GROUP, .privileges = VALUES("User.Modify"), .groups = GROUPS_CREATE};
static const struct permission update = {
    .kind = PERMISSION_USER_GROUP, .privileges = VALUES("User.Modify"), .groups = GROUPS_UPDATE};
static const struct permission modify = {.kind = PERMISSION_MODIFY, .path = "{path}"};

#define NO_GROUP  "Permission check failed (/access/groups, User.Modify)"
#define NO_REALM  "Permission check failed (/access/realm/"
#define NO_MODIFY "Permission check failed ("

/* ann@pve audits everything, joe@pve may modify the users of the group staff, where ann and he are; each has
 * a token without privilege separation, root@pam has too. eve@pve is in no group. max@pve administers users,
 * VMs, storages and pools, and says who may use PCI mappings. */
static const struct {
    const struct permission *permission;
    const char *user;
    const char *token;
    const char *params;
    const char *refusal; /* NULL: passes */
    enum error_kind kind;
} cases[] = {
    {&world, "", "", "{}", NULL, 0},
    {&all, "", "", "{}", "No ticket", ERROR_UNAUTHENTICATED},
    {&root_only, "", "", "{}", "No ticket", ERROR_UNAUTHENTICATED},
    {&audit, "", "", "{}", "No ticket", ERROR_UNAUTHENTICATED},
    {&tokens, "", "", "{'userid': ''}", "No ticket", ERROR_UNAUTHENTICATED},

    {&all, "eve@pve", "", "{}", NULL, 0},
    {&all, "eve@pve", "t", "{}", NULL, 0},

    {&root_only, "root@pam", "", "{}", NULL, 0},
    {&root_only, "root@pam", "t", "{}", "Permission check failed (user != root@pam)", ERROR_FORBIDDEN},
    {&root_only, "ann@pve", "", "{}", "Permission check failed (user != root@pam)", ERROR_FORBIDDEN},

    {&audit, "root@pam", "", "{}", NULL, 0},
    {&audit, "root@pam", "t", "{}", NULL, 0},
    {&audit, "ann@pve", "", "{}", NULL, 0},
    {&audit, "ann@pve", "t", "{}", NULL, 0},
    {&audit, "joe@pve", "", "{}", "Permission check failed (/, Sys.Audit)", ERROR_FORBIDDEN},
    {&both, "ann@pve", "", "{'node': 'pve1'}", "Permission check failed (/nodes/pve1, Sys.Modify)",
     ERROR_FORBIDDEN},
    {&both, "eve@pve", "", "{'node': 'pve1'}", "Permission check failed (/nodes/pve1, Sys.Audit)",
     ERROR_FORBIDDEN},
    {&both, "root@pam", "t", "{'node': 'pve1'}", NULL, 0},
    {&either, "eve@pve", "", "{}", "Permission check failed (/, Sys.Modify|Sys.PowerMgmt)", ERROR_FORBIDDEN},
    {&either, "root@pam", "t", "{}", NULL, 0},

    /* {x} in a path stands for the parameter, as a number too */
    {&vm, "eve@pve", "", "{'vmid': 100}", NULL, 0},
    {&vm, "eve@pve", "", "{'vmid': '100'}", NULL, 0},
    {&vm, "eve@pve", "", "{'vmid': 101}", "Permission check failed (/vms/101, VM.Audit)", ERROR_FORBIDDEN},
    {&vm, "eve@pve", "", "{}", "Permission check failed (/vms, VM.Audit)", ERROR_FORBIDDEN},
    {&vm, "eve@pve", "", "{'vmid': '/100/'}", NULL, 0},

    {&mapping, "ann@pve", "", "{'id': 'gpu'}", NULL, 0},
    {&mapping, "eve@pve", "", "{'id': 'gpu'}", "Permission check failed", ERROR_FORBIDDEN},

    /* the user himself, which a token never is */
    {&self, "eve@pve", "", "{'userid': 'eve@pve'}", NULL, 0},
    {&self, "eve@pve", "", "{'userid': 'ann@pve'}", "Permission check failed", ERROR_FORBIDDEN},
    {&self, "eve@pve", "t", "{'userid': 'eve@pve'}", "Permission check failed", ERROR_FORBIDDEN},
    {&self, "gone@pve", "", "{'userid': 'gone@pve'}", "Permission check failed", ERROR_FORBIDDEN},
    {&self, "eve@pve", "", "{}", "Permission check failed", ERROR_FORBIDDEN},

    /* who may do it to the users of one of the target's groups */
    {&group, "joe@pve", "", "{'userid': 'ann@pve'}", NULL, 0},
    {&group, "joe@pve", "", "{'userid': 'joe@pve'}", NULL, 0},
    {&group, "joe@pve", "", "{'userid': 'eve@pve'}",
     "Permission check failed (/access/groups, User.Modify|Sys.Audit)", ERROR_FORBIDDEN},
    {&group, "ann@pve", "", "{'userid': 'eve@pve'}", NULL, 0},
    {&group, "joe@pve", "", "{'userid': 'gone@pve'}", "no such user ('gone@pve')", ERROR_NOT_FOUND},
    {&group, "ann@pve", "", "{}", "no such user ('')", ERROR_NOT_FOUND},

    {&tokens, "eve@pve", "", "{'userid': 'eve@pve'}", NULL, 0},
    {&tokens, "eve@pve", "t", "{'userid': 'eve@pve'}", "Permission check failed", ERROR_FORBIDDEN},
    {&tokens, "joe@pve", "t", "{'userid': 'joe@pve'}", NULL, 0},
    {&tokens, "joe@pve", "", "{'userid': 'ann@pve'}", NULL, 0},
    {&tokens, "ann@pve", "", "{'userid': 'joe@pve'}", "Permission check failed", ERROR_FORBIDDEN},
    {&tokens, "root@pam", "", "{'userid': 'gone@pve'}", NULL, 0},
    {&tokens, "root@pam", "t", "{'userid': 'gone@pve'}", "no such user ('gone@pve')", ERROR_NOT_FOUND},

    /* nobody but root@pam itself changes root@pam */
    {&not_root, "root@pam", "", "{'userid': 'root@pam'}", NULL, 0},
    {&not_root, "root@pam", "t", "{'userid': 'root@pam'}", "Permission check failed (user != root@pam)",
     ERROR_FORBIDDEN},
    {&not_root, "ann@pve", "", "{'userid': 'root@pam'}", "Permission check failed (user != root@pam)",
     ERROR_FORBIDDEN},
    {&not_root, "ann@pve", "", "{'userid': 'joe@pve'}", NULL, 0},
    {&not_root, "ann@pve", "", "{'userid': 'root@pve'}", NULL, 0},

    /* the realm of a user, who need not exist: for those who make and delete users */
    {&realm, "joe@pve", "", "{'userid': 'new@pve'}", NULL, 0},
    {&realm, "joe@pve", "", "{'userid': 'a@b@pve'}", NULL, 0},
    {&realm, "joe@pve", "", "{'userid': 'new@pam'}", NO_REALM "pam, Realm.AllocateUser)", ERROR_FORBIDDEN},
    {&realm, "joe@pve", "", "{'userid': 'new'}",
     "Permission check failed (/access/realm, Realm.AllocateUser)", ERROR_FORBIDDEN},
    {&realm, "joe@pve", "", "{}", "Permission check failed (/access/realm, Realm.AllocateUser)",
     ERROR_FORBIDDEN},
    {&realm, "eve@pve", "", "{'userid': 'new@pve'}", NO_REALM "pve, Realm.AllocateUser)", ERROR_FORBIDDEN},

    /* who creates users: each of the new one's groups must be covered, and there must be one */
    {&create, "joe@pve", "", "{'userid': 'new@pve', 'groups': 'staff'}", NULL, 0},
    {&create, "joe@pve", "t", "{'userid': 'new@pve', 'groups': 'staff'}", NULL, 0},
    {&create, "joe@pve", "", "{'userid': 'new@pve', 'groups': 'staff, staff'}", NULL, 0},
    {&create, "joe@pve", "", "{'userid': 'new@pve', 'groups': ['staff']}", NULL, 0},
    {&create, "joe@pve", "", "{'userid': 'new@pve', 'groups': 'staff,night'}", NO_GROUP, ERROR_FORBIDDEN},
    {&create, "joe@pve", "", "{'userid': 'new@pve', 'groups': ['staff', 'night']}", NO_GROUP,
     ERROR_FORBIDDEN},
    {&create, "joe@pve", "", "{'userid': 'new@pve', 'groups': ['staff', 7]}", NO_GROUP, ERROR_FORBIDDEN},
    {&create, "joe@pve", "", "{'userid': 'new@pve', 'groups': ''}", NO_GROUP, ERROR_FORBIDDEN},
    {&create, "joe@pve", "", "{'userid': 'new@pve', 'groups': []}", NO_GROUP, ERROR_FORBIDDEN},
    {&create, "joe@pve", "", "{'userid': 'new@pve', 'groups': {'staff': 1}}", NO_GROUP, ERROR_FORBIDDEN},
    {&create, "joe@pve", "", "{'userid': 'new@pve'}", NO_GROUP, ERROR_FORBIDDEN},
    {&create, "max@pve", "", "{'userid': 'new@pve'}", NULL, 0},
    {&create, "max@pve", "", "{'userid': 'new@pve', 'groups': 'night'}", NULL, 0},
    {&create, "eve@pve", "", "{'userid': 'new@pve', 'groups': 'staff'}", NO_GROUP, ERROR_FORBIDDEN},

    /* who changes users: one of the target's groups must be covered too */
    {&update, "joe@pve", "", "{'userid': 'ann@pve', 'groups': 'staff'}", NULL, 0},
    {&update, "joe@pve", "", "{'userid': 'ann@pve'}", NO_GROUP, ERROR_FORBIDDEN},
    {&update, "joe@pve", "", "{'userid': 'ann@pve', 'groups': 'night'}", NO_GROUP, ERROR_FORBIDDEN},
    {&update, "joe@pve", "", "{'userid': 'eve@pve', 'groups': 'staff'}", NO_GROUP, ERROR_FORBIDDEN},
    {&update, "joe@pve", "", "{'userid': 'gone@pve', 'groups': 'staff'}", "no such user ('gone@pve')",
     ERROR_NOT_FOUND},
    {&update, "max@pve", "", "{'userid': 'eve@pve'}", NULL, 0},

    /* who changes the ACL: whoever may allocate what is there may too */
    {&modify, "max@pve", "", "{'path': '/vms/100'}", NULL, 0},
    {&modify, "max@pve", "", "{'path': '/vms/100/'}", NULL, 0},
    {&modify, "max@pve", "", "{'path': 'vms//100'}", NULL, 0},
    {&modify, "max@pve", "", "{'path': '/vms'}", NO_MODIFY "/vms, Permissions.Modify)", ERROR_FORBIDDEN},
    {&modify, "max@pve", "", "{'path': '/nodes/pve1'}", NO_MODIFY "/nodes/pve1, Permissions.Modify)",
     ERROR_FORBIDDEN},
    {&modify, "max@pve", "", "{'path': '/storage/a'}", NULL, 0},
    {&modify, "max@pve", "", "{'path': '/pool/a/b'}", NULL, 0},
    {&modify, "max@pve", "", "{'path': '/mapping/pci/a'}", NULL, 0},
    {&modify, "max@pve", "", "{'path': '/mapping/usb'}", NO_MODIFY "/mapping/usb, Permissions.Modify)",
     ERROR_FORBIDDEN},
    {&modify, "max@pve", "", "{}", NO_MODIFY "/, Permissions.Modify)", ERROR_FORBIDDEN},
    {&modify, "eve@pve", "", "{'path': '/vms/100'}", NO_MODIFY "/vms/100, Permissions.Modify|VM.Allocate)",
     ERROR_FORBIDDEN},
    {&modify, "eve@pve", "", "{'path': '/storage/a'}",
     NO_MODIFY "/storage/a, Permissions.Modify|Datastore.Allocate)", ERROR_FORBIDDEN},
    {&modify, "eve@pve", "", "{'path': '/pool/a'}", NO_MODIFY "/pool/a, Permissions.Modify|Pool.Allocate)",
     ERROR_FORBIDDEN},

    {&every, "ann@pve", "", "{'userid': 'ann@pve'}", NULL, 0},
    {&every, "ann@pve", "", "{'userid': 'joe@pve'}", "Permission check failed", ERROR_FORBIDDEN},
    {&every, "eve@pve", "", "{'userid': 'eve@pve'}", "Permission check failed (/, Sys.Audit)",
     ERROR_FORBIDDEN},
};

static void put_people(struct storage *storage)
{
    static const char *const users[] = {"root@pam", "ann@pve", "joe@pve", "eve@pve", "max@pve"};

    for (size_t i = 0; i < COUNT_OF(users); i++)
        fixture_put(storage, "user", users[i], "{'tokens': {'t': {'privsep': 0}}}");
    fixture_put(storage, "group", "staff", "{'members': ['ann@pve', 'joe@pve']}");
    fixture_put(storage, "acl", "/", "{'users': {'ann@pve': {'PVEAuditor': 1}}}");
    fixture_put(storage, "acl", "/access/groups/staff", "{'users': {'joe@pve': {'PVEUserAdmin': 1}}}");
    fixture_put(storage, "acl", "/access/realm/pve", "{'users': {'joe@pve': {'PVEUserAdmin': 1}}}");
    fixture_put(storage, "group", "night", "{'members': []}");
    fixture_put(storage, "role", "Security", "{'privs': ['Permissions.Modify']}");
    fixture_put(storage, "acl", "/access/groups", "{'users': {'max@pve': {'PVEUserAdmin': 0}}}");
    fixture_put(storage, "acl", "/vms", "{'users': {'max@pve': {'PVEVMAdmin': 1}}}");
    fixture_put(storage, "acl", "/storage", "{'users': {'max@pve': {'PVEDatastoreAdmin': 1}}}");
    fixture_put(storage, "acl", "/pool", "{'users': {'max@pve': {'PVEPoolAdmin': 1}}}");
    fixture_put(storage, "acl", "/mapping/pci", "{'users': {'max@pve': {'Security': 1}}}");
    fixture_put(storage, "acl", "/vms/100", "{'users': {'eve@pve': {'PVEVMUser': 0}}}");
}

static void check_case(struct access *access, size_t i)
{
    autojson json_t *params = fixture_json(cases[i].params);
    struct identity identity = {0};
    struct error err = {0};

    snprintf(identity.user, sizeof(identity.user), "%s", cases[i].user);
    snprintf(identity.token, sizeof(identity.token), "%s", cases[i].token);
    int result = access_check(access, &identity, cases[i].permission, params, &err);
    cr_expect_eq(result, cases[i].refusal == NULL ? 0 : -1, "case %zu: %s", i, err.message);
    if (cases[i].refusal != NULL) {
        cr_expect_str_eq(err.message, cases[i].refusal, "case %zu: %s", i, err.message);
        cr_expect_eq(err.kind, cases[i].kind, "case %zu", i);
    }
}

Test(access_permission, admits_and_refuses_as_declared)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);
    struct access *access;
    struct error err;

    put_people(storage);
    cr_assert_eq(access_open(storage, &access, &err), 0, "%s", err.message);
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        check_case(access, i);
    access_close(access);
}

Test(access_permission, refuses_a_parameter_that_makes_the_path_too_long)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);
    struct identity eve = {.user = "eve@pve"};
    char name[ACL_PATH_SIZE];
    struct access *access;
    struct error err;

    put_people(storage);
    cr_assert_eq(access_open(storage, &access, &err), 0);
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    autojson json_t *params = json_pack("{s:s}", "vmid", name);
    cr_assert_eq(access_check(access, &eve, &vm, params, &err), -1);
    fixture_expect_error(&err, ERROR_FORBIDDEN, "the path is longer than 1023 bytes");
    cr_assert_not(access_allows(access, &eve, name, "VM.Audit"));
    access_close(access);
}
