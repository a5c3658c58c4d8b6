/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Evaluation of the ACL, as a table: an ACL, who asks, for which privilege, on which path, and the answer.
 *
 * Users: joe@pve in the groups staff and night, ann@pve in staff, eve@pve in none. joe has the tokens sep
 * (with privilege separation), full (without), unset (says neither); root@pam has sep and full too. The role
 * Operator is {VM.Audit, VM.PowerMgmt}, Nothing is a role without privileges, Gone is none. */
#include <criterion/criterion.h>
#include <string.h>

#include "access/access.h"
#include "access/acl.h"
#include "access/acl_entry.h"
#include "base/memory.h"
#include "tests/unit/storage/fixture.h"

#define USER(path, role)  "{'" path "': {'users': {'joe@pve': {'" role "': 1}}}}"
#define LOCAL(path, role) "{'" path "': {'users': {'joe@pve': {'" role "': 0}}}}"
#define GROUP(path, role) "{'" path "': {'groups': {'staff': {'" role "': 1}}}}"

/* joe may do everything, his token sep what is listed here */
#define TOKEN(path, role)                                                                                    \
    "{'/': {'users': {'joe@pve': {'Administrator': 1}}},"                                                    \
    " '" path "': {'tokens': {'joe@pve!sep': {'" role "': 1}}}}"

static const struct {
    const char *acl;
    const char *who;
    const char *privilege;
    const char *path;
    bool allowed;
} cases[] = {
    /* nobody has anything without an entry, but root@pam has all */
    {"{}", "joe@pve", "VM.Audit", "/", false},
    {"{}", "joe@pve", "VM.Audit", "/vms/100", false},
    {"{}", "root@pam", "VM.Audit", "/vms/100", true},
    {"{}", "root@pam", "Sys.Modify", "/", true},
    {"{'/': {'users': {'root@pam': {'NoAccess': 1}}}}", "root@pam", "Sys.Modify", "/", true},
    {USER("/", "Administrator"), "", "VM.Audit", "/", false},
    {USER("/", "Administrator"), "eve@pve", "VM.Audit", "/", false},
    {USER("/", "Administrator"), "Joe@pve", "VM.Audit", "/", false},
    {"{'/': {'users': {'gone@pve': {'Administrator': 1}}}}", "gone@pve", "VM.Audit", "/", false},

    /* a role gives its privileges and no other */
    {USER("/", "Administrator"), "joe@pve", "Realm.Allocate", "/", true},
    {USER("/", "PVEVMUser"), "joe@pve", "VM.PowerMgmt", "/", true},
    {USER("/", "PVEVMUser"), "joe@pve", "VM.Allocate", "/", false},
    {USER("/", "PVEMappingUser"), "joe@pve", "Mapping.Use", "/", true},
    {USER("/", "PVEMappingUser"), "joe@pve", "Mapping.Modify", "/", false},
    {USER("/", "PVEAdmin"), "joe@pve", "Mapping.Modify", "/", false},
    {USER("/", "PVEAuditor"), "joe@pve", "Sys.Audit", "/", true},
    {USER("/", "PVEAuditor"), "joe@pve", "Sys.Modify", "/", false},
    {USER("/", "Operator"), "joe@pve", "VM.PowerMgmt", "/", true},
    {USER("/", "Operator"), "joe@pve", "VM.Console", "/", false},
    {USER("/", "Nothing"), "joe@pve", "VM.Audit", "/", false},
    {USER("/", "Administrator"), "joe@pve", "VM.Monitor", "/", false},
    {"{'/': {'users': {'joe@pve': {'Operator': 1, 'PVEPoolUser': 1}}}}", "joe@pve", "VM.Audit", "/", true},
    {"{'/': {'users': {'joe@pve': {'Operator': 1, 'PVEPoolUser': 1}}}}", "joe@pve", "Pool.Audit", "/", true},

    /* an entry counts below its path, not above and not beside it */
    {USER("/vms", "Operator"), "joe@pve", "VM.Audit", "/vms", true},
    {USER("/vms", "Operator"), "joe@pve", "VM.Audit", "/vms/100", true},
    {USER("/vms", "Operator"), "joe@pve", "VM.Audit", "/", false},
    {USER("/vms/100", "Operator"), "joe@pve", "VM.Audit", "/vms", false},
    {USER("/vms/100", "Operator"), "joe@pve", "VM.Audit", "/vms/101", false},
    {USER("/vms/10", "Operator"), "joe@pve", "VM.Audit", "/vms/100", false},
    {USER("/vms/100", "Operator"), "joe@pve", "VM.Audit", "/vms/10", false},
    {USER("/vm", "Operator"), "joe@pve", "VM.Audit", "/vms", false},
    {USER("/mapping", "PVEMappingUser"), "joe@pve", "Mapping.Use", "/mapping/pci/gpu", true},
    {USER("/mapping/pci", "PVEMappingUser"), "joe@pve", "Mapping.Use", "/mapping/usb/gpu", false},
    {USER("/", "Operator"), "joe@pve", "VM.Audit", "/a/b/c/d/e", true},

    /* without propagation: only on the path itself */
    {LOCAL("/vms", "Operator"), "joe@pve", "VM.Audit", "/vms", true},
    {LOCAL("/vms", "Operator"), "joe@pve", "VM.Audit", "/vms/100", false},
    {LOCAL("/", "Operator"), "joe@pve", "VM.Audit", "/", true},
    {LOCAL("/", "Operator"), "joe@pve", "VM.Audit", "/vms", false},
    {"{'/': {'users': {'joe@pve': {'PVEAuditor': 1}}}, '/vms': {'users': {'joe@pve': {'Operator': 0}}}}",
     "joe@pve", "Sys.Audit", "/vms/100", true}, /* what does not apply replaces nothing */
    {"{'/': {'users': {'joe@pve': {'PVEAuditor': 1}}}, '/vms': {'users': {'joe@pve': {'Operator': 0}}}}",
     "joe@pve", "Sys.Audit", "/vms", false},
    {"{'/vms': {'users': {'joe@pve': {'PVEAuditor': 1, 'Operator': 0}}}}", "joe@pve", "VM.PowerMgmt", "/vms",
     true},
    {"{'/vms': {'users': {'joe@pve': {'PVEAuditor': 1, 'Operator': 0}}}}", "joe@pve", "VM.PowerMgmt",
     "/vms/1", false},

    /* the nearer entry replaces all that was inherited */
    {"{'/': {'users': {'joe@pve': {'PVEAdmin': 1}}}, '/vms/100': {'users': {'joe@pve': {'PVEVMUser': 1}}}}",
     "joe@pve", "VM.Allocate", "/vms/100", false},
    {"{'/': {'users': {'joe@pve': {'PVEAdmin': 1}}}, '/vms/100': {'users': {'joe@pve': {'PVEVMUser': 1}}}}",
     "joe@pve", "VM.Allocate", "/vms/101", true},
    {"{'/': {'users': {'joe@pve': {'PVEAdmin': 1}}}, '/vms': {'users': {'joe@pve': {'Nothing': 1}}}}",
     "joe@pve", "VM.Audit", "/vms/100", false},
    {"{'/': {'users': {'joe@pve': {'Operator': 1}}}, '/vms': {'users': {'eve@pve': {'Nothing': 1}}}}",
     "joe@pve", "VM.Audit", "/vms/100", true},
    {"{'/': {'users': {'joe@pve': {'NoAccess': 1}}}, '/vms/100': {'users': {'joe@pve': {'Operator': 1}}}}",
     "joe@pve", "VM.Audit", "/vms/100", true},

    /* NoAccess wins among what is left */
    {USER("/", "NoAccess"), "joe@pve", "VM.Audit", "/", false},
    {"{'/': {'users': {'joe@pve': {'Administrator': 1, 'NoAccess': 1}}}}", "joe@pve", "VM.Audit", "/vms",
     false},
    {"{'/': {'users': {'joe@pve': {'Administrator': 1, 'NoAccess': 0}}}}", "joe@pve", "VM.Audit", "/", false},
    {"{'/': {'users': {'joe@pve': {'Administrator': 1, 'NoAccess': 0}}}}", "joe@pve", "VM.Audit", "/vms",
     true},
    {"{'/': {'users': {'joe@pve': {'PVEAdmin': 1}}}, '/vms/100': {'users': {'joe@pve': {'NoAccess': 1}}}}",
     "joe@pve", "VM.Audit", "/vms/100", false},
    {"{'/': {'groups': {'staff': {'PVEAdmin': 1}, 'night': {'NoAccess': 1}}}}", "joe@pve", "VM.Audit", "/",
     false},
    {"{'/': {'groups': {'staff': {'PVEAdmin': 1}, 'night': {'NoAccess': 1}}}}", "ann@pve", "VM.Audit", "/",
     true},

    /* groups: the union of all of one's groups */
    {GROUP("/", "Operator"), "joe@pve", "VM.Audit", "/vms/100", true},
    {GROUP("/", "Operator"), "ann@pve", "VM.Audit", "/vms/100", true},
    {GROUP("/", "Operator"), "eve@pve", "VM.Audit", "/vms/100", false},
    {"{'/': {'groups': {'staff': {'Operator': 1}, 'night': {'PVEPoolUser': 1}}}}", "joe@pve", "VM.Audit", "/",
     true},
    {"{'/': {'groups': {'staff': {'Operator': 1}, 'night': {'PVEPoolUser': 1}}}}", "joe@pve", "Pool.Audit",
     "/", true},
    {"{'/': {'groups': {'staff': {'Operator': 1}, 'night': {'PVEPoolUser': 1}}}}", "ann@pve", "Pool.Audit",
     "/", false},
    {"{'/': {'groups': {'staff': {'Operator': 0}}}}", "ann@pve", "VM.Audit", "/vms", false},
    {"{'/': {'groups': {'staff': {'Administrator': 1}}}, '/vms': {'groups': {'night': {'Operator': 1}}}}",
     "joe@pve", "VM.Allocate", "/vms", false}, /* nearer entries replace those of other groups too */
    {"{'/': {'groups': {'staff': {'Administrator': 1}}}, '/vms': {'groups': {'night': {'Operator': 1}}}}",
     "ann@pve", "VM.Allocate", "/vms", true},
    {"{'/': {'groups': {'gone': {'Administrator': 1}}}}", "joe@pve", "VM.Audit", "/", false},

    /* on the same path the user's own entry counts, not those of the groups */
    {"{'/': {'users': {'joe@pve': {'PVEPoolUser': 1}}, 'groups': {'staff': {'Operator': 1}}}}", "joe@pve",
     "VM.Audit", "/", false},
    {"{'/': {'users': {'joe@pve': {'PVEPoolUser': 1}}, 'groups': {'staff': {'Operator': 1}}}}", "ann@pve",
     "VM.Audit", "/", true},
    {"{'/': {'users': {'joe@pve': {'Operator': 1}}, 'groups': {'staff': {'NoAccess': 1}}}}", "joe@pve",
     "VM.Audit", "/", true},
    {"{'/': {'users': {'joe@pve': {'PVEPoolUser': 0}}, 'groups': {'staff': {'Operator': 1}}}}", "joe@pve",
     "VM.Audit", "/vms", true}, /* one that does not apply hides no group */
    {"{'/': {'users': {'joe@pve': {'Operator': 1}}}, '/vms': {'groups': {'staff': {'PVEPoolUser': 1}}}}",
     "joe@pve", "VM.Audit", "/vms", false}, /* the nearer group replaces the user's farther entry */

    /* an entry with a role that does not exist any more is void: it replaces nothing */
    {USER("/", "Gone"), "joe@pve", "VM.Audit", "/", false},
    {"{'/': {'users': {'joe@pve': {'Operator': 1}}}, '/vms': {'users': {'joe@pve': {'Gone': 1}}}}", "joe@pve",
     "VM.Audit", "/vms", true},
    {"{'/': {'users': {'joe@pve': {'Gone': 1}}, 'groups': {'staff': {'Operator': 1}}}}", "joe@pve",
     "VM.Audit", "/", true},

    /* a token without privilege separation is its user, whatever its own entries say */
    {USER("/", "Operator"), "joe@pve!full", "VM.Audit", "/vms", true},
    {GROUP("/", "Operator"), "joe@pve!full", "VM.Audit", "/vms", true},
    {"{}", "joe@pve!full", "VM.Audit", "/vms", false},
    {"{'/': {'tokens': {'joe@pve!full': {'Administrator': 1}}}}", "joe@pve!full", "VM.Audit", "/", false},
    {"{'/': {'users': {'joe@pve': {'Operator': 1}}, 'tokens': {'joe@pve!full': {'NoAccess': 1}}}}",
     "joe@pve!full", "VM.Audit", "/", true},
    {"{}", "root@pam!full", "Sys.Modify", "/", true},

    /* a token with it has what both have, and neither the user's nor the groups' entries count for it */
    {USER("/", "Administrator"), "joe@pve!sep", "VM.Audit", "/", false},
    {USER("/", "Administrator"), "joe@pve!unset", "VM.Audit", "/", false},
    {GROUP("/", "Administrator"), "joe@pve!sep", "VM.Audit", "/", false},
    {TOKEN("/vms", "Operator"), "joe@pve!sep", "VM.Audit", "/vms/100", true},
    {TOKEN("/vms", "Operator"), "joe@pve!sep", "VM.Allocate", "/vms/100", false},
    {TOKEN("/vms", "Operator"), "joe@pve!sep", "VM.Audit", "/", false},
    {TOKEN("/vms", "NoAccess"), "joe@pve!sep", "VM.Audit", "/vms", false},
    {TOKEN("/vms", "Operator"), "joe@pve!full", "VM.Allocate", "/vms/100", true},
    {TOKEN("/vms", "Operator"), "joe@pve!other", "VM.Audit", "/vms/100", false},
    {TOKEN("/vms", "Operator"), "ann@pve!sep", "VM.Audit", "/vms/100", false},
    {"{'/': {'tokens': {'joe@pve!sep': {'Administrator': 1}}}}", "joe@pve!sep", "VM.Audit", "/", false},
    {"{'/': {'users': {'joe@pve': {'Operator': 1}}, 'tokens': {'joe@pve!sep': {'PVEAuditor': 1}}}}",
     "joe@pve!sep", "VM.Audit", "/", true},
    {"{'/': {'users': {'joe@pve': {'Operator': 1}}, 'tokens': {'joe@pve!sep': {'PVEAuditor': 1}}}}",
     "joe@pve!sep", "VM.PowerMgmt", "/", false},
    {"{'/': {'users': {'joe@pve': {'Operator': 1}}, 'tokens': {'joe@pve!sep': {'PVEAuditor': 1}}}}",
     "joe@pve!sep", "Sys.Audit", "/", false},
    {"{'/': {'groups': {'staff': {'Operator': 1}}, 'tokens': {'joe@pve!sep': {'Operator': 0}}}}",
     "joe@pve!sep", "VM.Audit", "/", true},
    {"{'/': {'groups': {'staff': {'Operator': 1}}, 'tokens': {'joe@pve!sep': {'Operator': 0}}}}",
     "joe@pve!sep", "VM.Audit", "/vms", false},

    /* a token of root@pam with privilege separation has its own entries alone */
    {"{}", "root@pam!sep", "VM.Audit", "/", false},
    {"{'/vms': {'tokens': {'root@pam!sep': {'Operator': 1}}}}", "root@pam!sep", "VM.Audit", "/vms/100", true},
    {"{'/vms': {'tokens': {'root@pam!sep': {'Operator': 1}}}}", "root@pam!sep", "VM.Allocate", "/vms/100",
     false},
    {"{'/': {'tokens': {'root@pam!sep': {'Administrator': 1}}}}", "root@pam!sep", "Sys.Modify", "/nodes/pve1",
     true},

    /* paths are normalised before they are looked up */
    {USER("/vms/100", "Operator"), "joe@pve", "VM.Audit", "//vms///100//", true},
    {USER("/vms/100", "Operator"), "joe@pve", "VM.Audit", "vms/100", true},
    {USER("/", "Operator"), "joe@pve", "VM.Audit", "", true},
    {USER("/", "Operator"), "joe@pve", "VM.Audit", "///", true},
    {LOCAL("/vms", "Operator"), "joe@pve", "VM.Audit", "/vms/", true},
    {USER("/vms/100", "Operator"), "joe@pve", "VM.Audit", "/vms/../vms/100", false},
};

static void put_all(struct storage *storage, const char *kind, const char *text)
{
    autojson json_t *documents = fixture_json(text);
    struct change_set *set = change_set_new();
    struct error err;
    const char *id;
    json_t *body;

    json_object_foreach(documents, id, body)
        change_set_put(set, kind, id, REVISION_ANY, json_incref(body));
    cr_assert_eq(storage_commit(storage, set, &err), 0, "%s", err.message);
}

static void put_people(struct storage *storage)
{
    put_all(storage, "user",
            "{'root@pam': {'tokens': {'sep': {'privsep': 1}, 'full': {'privsep': 0}}},"
            " 'joe@pve': {'tokens': {'sep': {'privsep': 1}, 'full': {'privsep': 0}, 'unset': {}}},"
            " 'ann@pve': {'tokens': {'sep': {'privsep': 1}}}, 'eve@pve': {}}");
    put_all(storage, "group",
            "{'staff': {'members': ['joe@pve', 'ann@pve']}, 'night': {'members': ['joe@pve']}}");
    put_all(storage, "role",
            "{'Operator': {'privs': ['VM.Audit', 'VM.PowerMgmt']}, 'Nothing': {'privs': []}}");
}

static void clear_acl(struct storage *storage)
{
    autojson json_t *acl = NULL;
    struct change_set *set = change_set_new();
    struct error err;
    const char *path;
    json_t *entries;

    cr_assert_eq(object_list(storage, "acl", &acl, &err), 0);
    json_object_foreach(acl, path, entries)
        change_set_delete(set, "acl", path, REVISION_ANY);
    cr_assert_eq(storage_commit(storage, set, &err), 0);
}

static struct identity identity_of(const char *who)
{
    struct identity identity = {0};
    const char *mark = strchr(who, '!');

    snprintf(identity.user, sizeof(identity.user), "%.*s",
             (int)(mark != NULL ? mark - who : (long)strlen(who)), who);
    snprintf(identity.token, sizeof(identity.token), "%s", mark != NULL ? mark + 1 : "");
    return identity;
}

Test(access_acl, gives_what_the_entries_say)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);
    struct access *access;
    struct error err;

    put_people(storage);
    cr_assert_eq(access_open(storage, &access, &err), 0, "%s", err.message);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct identity identity = identity_of(cases[i].who);
        clear_acl(storage);
        put_all(storage, "acl", cases[i].acl);
        cr_expect_eq(access_allows(access, &identity, cases[i].path, cases[i].privilege), cases[i].allowed,
                     "%s: %s on '%s' should be %s by %s", cases[i].who, cases[i].privilege, cases[i].path,
                     cases[i].allowed ? "allowed" : "refused", cases[i].acl);
    }
    access_close(access);
}

Test(access_acl, refuses_a_path_that_is_too_long)
{
    char path[ACL_PATH_SIZE + 2], normal[ACL_PATH_SIZE];

    memset(path, 'a', sizeof(path));
    path[ACL_PATH_SIZE - 2] = '\0'; /* with the slash in front and the NUL it is just short enough */
    cr_assert(acl_normalise_path(path, normal));
    cr_assert_eq(strlen(normal), ACL_PATH_SIZE - 1);
    path[ACL_PATH_SIZE - 2] = 'a';
    path[ACL_PATH_SIZE - 1] = '\0';
    cr_assert_not(acl_normalise_path(path, normal));
}

/* A later token with the name of a deleted one does not get its rights. */
Test(access_acl, forgets_who_is_deleted)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);
    struct change_set *set = change_set_new();
    struct error err;
    json_t *acl;

    put_all(storage, "acl",
            "{'/': {'users': {'joe@pve': {'Operator': 1}}, 'tokens': {'joe@pve!sep': {'Operator': 1}}},"
            " '/vms': {'tokens': {'joe@pve!sep': {'Operator': 1}, 'joe@pve!full': {'Operator': 0}}},"
            " '/pool': {'tokens': {'joe@pve!sep': {'Operator': 1}}}}");
    const struct acl_entry_gone gone = {.token = "joe@pve!sep"};
    cr_assert_eq(acl_entry_forget(storage, &gone, set, &err), 0, "%s", err.message);
    cr_assert_eq(storage_commit(storage, set, &err), 0, "%s", err.message);
    cr_assert_eq(object_list(storage, "acl", &acl, &err), 0);
    fixture_expect_json(acl, "{'/': {'users': {'joe@pve': {'Operator': 1}}},"
                             " '/vms': {'tokens': {'joe@pve!full': {'Operator': 0}}}}");
}

/* The tokens of joe@pve are not those of the user joe@pve!x@pve. */
Test(access_acl, forgets_nobody_else_with_a_user)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);
    struct change_set *set = change_set_new();
    struct error err;
    json_t *acl;

    put_all(storage, "acl",
            "{'/': {'tokens': {'joe@pve!ci': {'Operator': 1}, 'joe@pve!x@pve!ci': {'Operator': 1}}}}");
    const struct acl_entry_gone gone = {.user = "joe@pve"};
    cr_assert_eq(acl_entry_forget(storage, &gone, set, &err), 0, "%s", err.message);
    cr_assert_eq(storage_commit(storage, set, &err), 0, "%s", err.message);
    cr_assert_eq(object_list(storage, "acl", &acl, &err), 0);
    fixture_expect_json(acl, "{'/': {'tokens': {'joe@pve!x@pve!ci': {'Operator': 1}}}}");
}
