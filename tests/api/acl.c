/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /access/acl and /access/permissions: changing and showing who may do what where. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "tests/api/account.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/look.h"

#define PUT_ACL "PUT", "/access/acl"

/* Max administers VM 100, Joe is in staff. */
static void start(void)
{
    START();
    post("/access/groups", "groupid", "staff", NULL);
    account_create("joe@pve", "staff");
    account_create("max@pve", NULL);
    post("/access/users/joe@pve/token/ci", NULL);
    account_grant("/vms/100", "PVEVMAdmin", "users", "max@pve");
}

TestSuite(acl, .init = start, .timeout = 120);
TestSuite(permissions, .init = start, .timeout = 120);

#define MAX "{'path':'/vms/100','type':'user','ugid':'max@pve','roleid':'PVEVMAdmin','propagate':1}"

DAEMON_TEST(acl, is_changed_by_lists_of_roles_and_names)
{
    put("/access/acl", "path", "/nodes/" NODE "/", "roles", "PVEAuditor,PVEVMUser", "users", "joe@pve",
        "tokens", "joe@pve!ci", "propagate", "0", NULL);
    put("/access/acl", "path", "pool", "roles", "PVEPoolUser", "groups", "staff", NULL);
    is_json(
        get("/access/acl", NULL),
        "[{'path':'/nodes/" NODE "','type':'user','ugid':'joe@pve','roleid':'PVEAuditor','propagate':0},"
        "{'path':'/nodes/" NODE "','type':'user','ugid':'joe@pve','roleid':'PVEVMUser','propagate':0},"
        "{'path':'/nodes/" NODE "','type':'token','ugid':'joe@pve!ci','roleid':'PVEAuditor','propagate':0},"
        "{'path':'/nodes/" NODE "','type':'token','ugid':'joe@pve!ci','roleid':'PVEVMUser','propagate':0},"
        "{'path':'/pool','type':'group','ugid':'staff','roleid':'PVEPoolUser','propagate':1}," MAX "]");
    put("/access/acl", "path", "/nodes/" NODE, "roles", "PVEAuditor,PVEVMUser", "users", "joe@pve", "tokens",
        "joe@pve!ci", "delete", "1", NULL);
    put("/access/acl", "path", "/pool", "roles", "PVEPoolUser", "groups", "staff,gone", "delete", "1", NULL);
    put("/access/acl", "path", "/pool", "roles", "PVEPoolUser", "groups", "staff", "delete", "1", NULL);
    is_json(get("/access/acl", NULL), "[" MAX "]");
}

DAEMON_TEST(acl, names_what_exists)
{
    fails(500, "ACL update failed: role 'Gone' does not exist", PUT_ACL, "path", "/", "roles", "Gone",
          "users", "joe@pve", NULL);
    fails(500, "ACL update failed: no such user ('gone@pve')", PUT_ACL, "path", "/", "roles", "PVEAdmin",
          "users", "gone@pve", NULL);
    fails(500, "ACL update failed: group 'gone' does not exist", PUT_ACL, "path", "/", "roles", "PVEAdmin",
          "groups", "gone", NULL);
    fails(500, "ACL update failed: no such token 'x1' for user 'joe@pve'", PUT_ACL, "path", "/", "roles",
          "PVEAdmin", "tokens", "joe@pve!x1", NULL);
    wrong_parameter("path", "invalid ACL path '/other'", PUT_ACL, "path", "/other", "roles", "PVEAdmin",
                    "users", "joe@pve", NULL);
    wrong_parameter("roles", "property is missing and it is not optional", PUT_ACL, "path", "/", "users",
                    "joe@pve", NULL);
    wrong_parameter("users", "one of 'users', 'groups' and 'tokens' is needed", PUT_ACL, "path", "/", "roles",
                    "PVEAdmin", NULL);
    is_json(get("/access/acl", NULL), "[" MAX "]");
}

DAEMON_TEST(acl, is_changed_by_those_who_administer_what_is_there)
{
    account_enter("max@pve");
    put("/access/acl", "path", "/vms/100", "roles", "PVEVMUser", "users", "joe@pve", NULL);
    wrong_parameter("role",
                    "role 'Administrator' on '/vms/100' needs Permissions.Modify there, or all that it gives",
                    PUT_ACL, "path", "/vms/100", "roles", "Administrator", "users", "max@pve", NULL);
    fails(403, "Permission check failed (/vms/101, Permissions.Modify|VM.Allocate)", PUT_ACL, "path",
          "/vms/101", "roles", "PVEVMUser", "users", "joe@pve", NULL);
    fails(403, "Permission check failed (/, Permissions.Modify)", PUT_ACL, "path", "/", "roles", "PVEVMUser",
          "users", "joe@pve", NULL);
    cr_assert_eq(json_array_size(get("/access/acl", NULL)), 2);
    account_enter("joe@pve");
    is_json(get("/access/acl", NULL), "[]");
    account_grant("/access", "PVEAuditor", "groups", "staff");
    account_enter("joe@pve");
    cr_assert_eq(json_array_size(get("/access/acl", NULL)), 3);
}

DAEMON_TEST(acl, counts_for_groups_and_tokens)
{
    account_grant("/", "PVEAuditor", "groups", "staff");
    account_enter("joe@pve");
    get("/cluster/status", NULL);
    call_with_token(NULL);
    const json_t *token = put("/access/users/joe@pve/token/ci", "regenerate", "1", NULL);
    autofree char *credential = xasprintf("joe@pve!ci=%s", text_of(token, "value"));
    call_with_token(credential);
    fails(403, "Permission check failed (/, Sys.Audit)", "GET", "/cluster/status", NULL);
    account_grant("/", "Administrator", "tokens", "joe@pve!ci");
    call_with_token(credential);
    get("/cluster/status", NULL);
    fails(403, "Permission check failed (/access/groups, Group.Allocate)", "POST", "/access/groups",
          "groupid", "x", NULL);
}

DAEMON_TEST(permissions, of_oneself_are_told)
{
    account_grant("/nodes", "PVESysAdmin", "groups", "staff");
    put("/access/acl", "path", "/vms/7000", "roles", "PVETemplateUser", "users", "joe@pve", "propagate", "0",
        NULL);
    account_enter("joe@pve");
    is_json(get("/access/permissions", NULL), "{'/nodes':{'Sys.Audit':1,'Sys.Console':1,'Sys.Syslog':1},"
                                              "'/vms/7000':{'VM.Audit':0,'VM.Clone':0}}");
    is_json(get("/access/permissions", "path", "/nodes/x", NULL),
            "{'/nodes/x':{'Sys.Audit':1,'Sys.Console':1,'Sys.Syslog':1}}");
    is_json(get("/access/permissions", "path", "/storage", NULL), "{'/storage':{}}");
    is_json(get("/access/permissions", "userid", "joe@pve!ci", NULL), "{}");
    fails(403, "Permission check failed (/access, Sys.Audit)", "GET", "/access/permissions", "userid",
          "max@pve", NULL);
    fails(403, "Permission check failed (/access, Sys.Audit)", "GET", "/access/permissions", "userid",
          "gone@pve", NULL);
}

DAEMON_TEST(permissions, of_others_are_told_to_auditors)
{
    cr_assert_eq(json_object_size(member(get("/access/permissions", NULL), "/")), 47);
    const json_t *there = get("/access/permissions", "userid", "max@pve", "path", "/vms/100/", NULL);
    cr_assert_eq(json_object_size(member(there, "/vms/100/")), 23);
    cr_assert_eq(json_object_size(member(get("/access/permissions", "userid", "max@pve", NULL), "/vms/100")),
                 23);
    fails(500, "no such user ('gone@pve')", "GET", "/access/permissions", "userid", "gone@pve", NULL);
    fails(500, "no such token 'gone' for user 'joe@pve'", "GET", "/access/permissions", "userid",
          "joe@pve!gone", NULL);
    wrong_parameter("userid", "value does not match the regex pattern", "GET", "/access/permissions",
                    "userid", "max", NULL);
    account_grant("/access", "PVEAuditor", "users", "joe@pve");
    account_enter("joe@pve");
    cr_assert_eq(json_object_size(member(get("/access/permissions", "userid", "max@pve", NULL), "/vms/100")),
                 23);
}
