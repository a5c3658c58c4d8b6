/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /access/groups, /access/roles and /access/domains. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "tests/api/account.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/look.h"

static void start(void)
{
    START();
}

TestSuite(group, .init = start, .timeout = 120);
TestSuite(role, .init = start, .timeout = 120);
TestSuite(domain, .init = start, .timeout = 120);

DAEMON_TEST(group, is_created_changed_listed_and_deleted)
{
    is_json(post("/access/groups", "groupid", "staff", "comment", "all of us", NULL), "null");
    post("/access/groups", "groupid", "a.b-c_1", NULL);
    account_create("joe@pve", "staff");
    account_create("ann@pve", "staff,a.b-c_1");
    is_json(get("/access/groups", NULL),
            "[{'groupid':'a.b-c_1','users':'ann@pve'},"
            "{'groupid':'staff','users':'joe@pve,ann@pve','comment':'all of us'}]");
    is_json(get("/access/groups/staff", NULL), "{'members':['joe@pve','ann@pve'],'comment':'all of us'}");
    is_json(put("/access/groups/staff", "comment", "", NULL), "null");
    is_json(delete ("/access/groups/a.b-c_1", NULL), "null");
    is_json(get("/access/groups", NULL), "[{'groupid':'staff','users':'joe@pve,ann@pve'}]");
}

DAEMON_TEST(group, errors_have_proxmoxs_words)
{
    post("/access/groups", "groupid", "staff", NULL);
    fails(500, "create group failed: group 'staff' already exists", "POST", "/access/groups", "groupid",
          "staff", NULL);
    fails(500, "group 'gone' does not exist", "GET", "/access/groups/gone", NULL);
    fails(500, "group 'gone' does not exist", "PUT", "/access/groups/gone", "comment", "x", NULL);
    fails(500, "delete group failed: group 'gone' does not exist", "DELETE", "/access/groups/gone", NULL);
    wrong_parameter("groupid", "invalid format - group name contains invalid characters\n", "POST",
                    "/access/groups", "groupid", "a b", NULL);
}

DAEMON_TEST(group, is_seen_by_those_who_may)
{
    post("/access/groups", "groupid", "staff", NULL);
    post("/access/groups", "groupid", "night", NULL);
    account_create("ann@pve", NULL);
    account_grant("/access/groups/staff", "PVEUserAdmin", "users", "ann@pve");
    account_enter("ann@pve");
    cr_assert_eq(json_array_size(get("/access/groups", NULL)), 1);
    fails(403, "Permission check failed (/access/groups, Sys.Audit|Group.Allocate)", "GET",
          "/access/groups/staff", NULL);
    fails(403, "Permission check failed (/access/groups, Group.Allocate)", "POST", "/access/groups",
          "groupid", "new", NULL);
    account_grant("/access/groups", "PVEUserAdmin", "users", "ann@pve");
    account_enter("ann@pve");
    cr_assert_eq(json_array_size(get("/access/groups", NULL)), 2);
    post("/access/groups", "groupid", "new", NULL);
}

DAEMON_TEST(role, built_in_ones_are_listed_and_cannot_be_changed)
{
    const json_t *roles = get("/access/roles", NULL);

    cr_assert_eq(json_array_size(roles), 17);
    is_json(row(roles, "roleid", "PVESysAdmin"),
            "{'roleid':'PVESysAdmin','privs':'Sys.Audit,Sys.Console,Sys.Syslog','special':1}");
    cr_assert_eq(json_object_size(get("/access/roles/Administrator", NULL)), 47);
    is_json(get("/access/roles/NoAccess", NULL), "{}");
    fails(500, "auto-generated role 'PVEAdmin' cannot be modified", "PUT", "/access/roles/PVEAdmin", "privs",
          "VM.Audit", NULL);
    fails(500, "auto-generated role 'PVEAdmin' cannot be deleted", "DELETE", "/access/roles/PVEAdmin", NULL);
    fails(500, "role 'Gone' does not exist", "GET", "/access/roles/Gone", NULL);
}

DAEMON_TEST(role, own_ones_are_created_changed_and_deleted)
{
    post("/access/roles", "roleid", "Operator", "privs", "VM.PowerMgmt,VM.Audit", NULL);
    is_json(get("/access/roles/Operator", NULL), "{'VM.Audit':1,'VM.PowerMgmt':1}");
    put("/access/roles/Operator", "privs", "VM.Console", "append", "1", NULL);
    is_json(row(get("/access/roles", NULL), "roleid", "Operator"),
            "{'roleid':'Operator','privs':'VM.Audit,VM.Console,VM.PowerMgmt','special':0}");
    put("/access/roles/Operator", "privs", "Sys.Audit", NULL);
    is_json(get("/access/roles/Operator", NULL), "{'Sys.Audit':1}");
    wrong_parameter("privs", "missing property - 'append' requires this property", "PUT",
                    "/access/roles/Operator", "append", "1", NULL);
    wrong_parameter("privs", "invalid format - invalid privilege 'VM.Monitor'\n", "PUT",
                    "/access/roles/Operator", "privs", "VM.Monitor", NULL);
    fails(500, "create role failed: role 'Operator' already exists", "POST", "/access/roles", "roleid",
          "Operator", NULL);
    wrong_parameter("roleid", "the names of own roles must not begin with 'PVE'", "POST", "/access/roles",
                    "roleid", "pveOwn", NULL);
    delete ("/access/roles/Operator", NULL);
    fails(500, "role 'Operator' does not exist", "DELETE", "/access/roles/Operator", NULL);
}

/* Sys.Modify on /access is for changing roles, not for taking everything by one of them. */
DAEMON_TEST(role, gives_nobody_more_than_its_maker_has)
{
    account_create("ops@pve", NULL);
    post("/access/roles", "roleid", "Ops", "privs", "Sys.Modify,VM.Audit", NULL);
    account_grant("/", "Ops", "users", "ops@pve");
    account_enter("ops@pve");
    wrong_parameter("privs",
                    "to put 'Permissions.Modify' into the role 'Ops' needs Permissions.Modify on /access, or "
                    "'Permissions.Modify' itself on / with propagation",
                    "PUT", "/access/roles/Ops", "privs", "Permissions.Modify", "append", "1", NULL);
    post("/access/roles", "roleid", "Look", "privs", "VM.Audit", NULL);
}

/* A change of a role takes effect at once for everybody who has it. */
DAEMON_TEST(role, counts_as_it_is_now)
{
    account_create("joe@pve", NULL);
    post("/access/roles", "roleid", "Operator", "privs", "VM.Audit", NULL);
    account_grant("/", "Operator", "users", "joe@pve");
    account_enter("joe@pve");
    fails(403, "Permission check failed (/, Sys.Audit)", "GET", "/cluster/status", NULL);
    fails(403, "Permission check failed (/access, Sys.Modify)", "POST", "/access/roles", "roleid", "x", NULL);
    call_with_token(NULL);
    put("/access/roles/Operator", "privs", "Sys.Audit", "append", "1", NULL);
    account_enter("joe@pve");
    get("/cluster/status", NULL);
    call_with_token(NULL);
    delete ("/access/roles/Operator", NULL);
    is_json(get("/access/acl", NULL), "[]");
    account_enter("joe@pve");
    fails(403, "Permission check failed (/, Sys.Audit)", "GET", "/cluster/status", NULL);
}

#define PAM "'realm':'pam','type':'pam','comment':'Linux PAM standard authentication'"

DAEMON_TEST(domain, is_shown_and_offered_first)
{
    is_json(get("/access/domains", NULL),
            "[{" PAM "},{'realm':'pve','type':'pve','comment':'Proxmox VE authentication server'}]");
    const char *digest = text_of(get("/access/domains/pve", NULL), "digest");
    put("/access/domains/pve", "default", "1", "comment", "ours", "digest", digest, NULL);
    is_json(get("/access/domains", NULL),
            "[{" PAM "},{'realm':'pve','type':'pve','comment':'ours','default':1}]");
    fails(500, "detected modified configuration - file changed by other user? Try again.", "PUT",
          "/access/domains/pve", "comment", "x", "digest", digest, NULL);
    put("/access/domains/pam", "default", "1", NULL);
    put("/access/domains/pve", "delete", "comment", NULL);
    is_json(get("/access/domains", NULL),
            "[{" PAM
            ",'default':1},{'realm':'pve','type':'pve','comment':'Proxmox VE authentication server'}]");
    fails(500, "realm 'ldap' does not exist", "GET", "/access/domains/ldap", NULL);
    fails(500, "realm 'ldap' does not exist", "PUT", "/access/domains/ldap", "comment", "x", NULL);
}

DAEMON_TEST(domain, others_are_neither_made_nor_these_deleted)
{
    fails(500, "add auth server failed: unable to use reserved name 'pam'", "POST", "/access/domains",
          "realm", "pam", "type", "pam", NULL);
    fails(500, "add auth server failed: unable to create builtin type 'pve'", "POST", "/access/domains",
          "realm", "other", "type", "pve", NULL);
    wrong_parameter("type", "value 'ldap' does not have a value in the enumeration 'pam, pve'", "POST",
                    "/access/domains", "realm", "ours", "type", "ldap", NULL);
    fails(500, "delete auth server failed: realm 'pve' is built in", "DELETE", "/access/domains/pve", NULL);
    fails(500, "delete auth server failed: realm 'ldap' does not exist", "DELETE", "/access/domains/ldap",
          NULL);
}

DAEMON_TEST(domain, is_for_those_who_may)
{
    account_create("joe@pve", NULL);
    account_enter("joe@pve");
    fails(403, "Permission check failed (/access/realm, Realm.Allocate)", "POST", "/access/domains", "realm",
          "ours", "type", "pve", NULL);
    fails(403, "Permission check failed (/access/realm, Realm.Allocate)", "DELETE", "/access/domains/pve",
          NULL);
    fails(403, "Permission check failed (/access/realm, Realm.Allocate|Sys.Audit)", "GET",
          "/access/domains/pve", NULL);
    fails(403, "Permission check failed (/access/realm, Realm.Allocate)", "PUT", "/access/domains/pve",
          "comment", "x", NULL);
}
