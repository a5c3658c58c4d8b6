/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /access/users: who there is, and who may see whom. */
#include <criterion/criterion.h>

#include "base/memory.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/documents.h"
#include "tests/api/look.h"

/* Joe is a member of staff; Ann may see staff, and Bob nobody but himself. */
static void start(void)
{
    START(.host = "workstation");
    daemon_stop();
    document_put("user", "joe@pve", "{'enable':1,'expire':0,'firstname':'Joe','comment':'night shift'}");
    document_put("user", "ann@pve", "{'enable':1,'expire':0}");
    document_put("user", "bob@pve", "{'enable':0,'expire':5}");
    document_put("group", "staff", "{'members':['joe@pve']}");
    document_put("acl", "/access/groups/staff", "{'users':{'ann@pve':{'PVEAuditor':1}}}");
    daemon_start_again();
}

TestSuite(user, .init = start, .timeout = 120);

static void call_as(const char *user)
{
    autofree char *path = xasprintf("/access/users/%s/token/own", user);
    call_with_token(NULL);
    const json_t *token = post(path, "privsep", "0", NULL);
    autofree char *credential = xasprintf("%s=%s", text_of(token, "full-tokenid"), text_of(token, "value"));
    call_with_token(credential);
}

DAEMON_TEST(user, all_are_listed_for_root)
{
    const json_t *users = get("/access/users", NULL);

    cr_assert_eq(json_array_size(users), 4);
    is_json(row(users, "userid", "joe@pve"), "{'userid':'joe@pve','enable':1,'expire':0,'firstname':'Joe',"
                                             "'comment':'night shift','realm-type':'pve'}");
    is_json(get("/access/users", "enabled", "0", NULL),
            "[{'userid':'bob@pve','enable':0,'expire':5,'realm-type':'pve'}]");
}

DAEMON_TEST(user, full_adds_groups_and_tokens)
{
    post("/access/users/joe@pve/token/ci", NULL);
    const json_t *users = get("/access/users", "full", "1", NULL);

    cr_assert_str_eq(text_of(row(users, "userid", "joe@pve"), "groups"), "staff");
    is_json(member(row(users, "userid", "joe@pve"), "tokens"), "[{'tokenid':'ci','expire':0,'privsep':1}]");
    cr_assert_str_eq(text_of(row(users, "userid", "ann@pve"), "groups"), "");
    cr_assert(json_is_null(member(row(users, "userid", "ann@pve"), "tokens")));
}

DAEMON_TEST(user, one_alone_has_lists_in_another_shape)
{
    is_json(get("/access/users/ann@pve", NULL), "{'enable':1,'expire':0,'groups':[],'tokens':null}");
    post("/access/users/joe@pve/token/ci", NULL);
    is_json(get("/access/users/joe@pve", NULL),
            "{'enable':1,'expire':0,'firstname':'Joe','comment':'night shift','groups':['staff'],"
            "'tokens':{'ci':{'expire':0,'privsep':1}}}");
    fails(500, "no such user ('x@pve')", "GET", "/access/users/x@pve", NULL);
}

DAEMON_TEST(user, others_are_seen_by_privilege_on_their_group)
{
    call_as("ann@pve");
    get("/access/users/joe@pve", NULL);
    fails(403, "Permission check failed (/access/groups, User.Modify|Sys.Audit)", "GET",
          "/access/users/bob@pve", NULL);
    cr_assert_eq(json_array_size(get("/access/users", NULL)), 1, "joe, and a token is not its user");
}

DAEMON_TEST(user, is_created_changed_and_deleted)
{
    post("/access/groups", "groupid", "night", NULL);
    is_json(post("/access/users", "userid", "max@pve", "groups", "staff", "email", "max@example.org",
                 "expire", "4102444800", "enable", "0", "keys", "x", "lastname", "M", NULL),
            "null");
    is_json(get("/access/users/max@pve", NULL),
            "{'enable':0,'expire':4102444800,'email':'max@example.org','keys':'x','lastname':'M',"
            "'groups':['staff'],'tokens':null}");
    is_json(put("/access/users/max@pve", "groups", "night", "append", "1", "enable", "1", "email", "", NULL),
            "null");
    put("/access/users/max@pve", "expire", "0", "keys", "", "lastname", "", NULL);
    is_json(get("/access/users/max@pve", NULL),
            "{'enable':1,'expire':0,'groups':['night','staff'],'tokens':null}");
    put("/access/users/max@pve", "groups", "night", NULL);
    is_json(get("/access/groups/staff", NULL), "{'members':['joe@pve']}");
    post("/access/users/max@pve/token/ci", NULL);
    put("/access/acl", "path", "/vms", "roles", "PVEAdmin", "users", "max@pve", "tokens", "max@pve!ci", NULL);
    is_json(delete ("/access/users/max@pve", NULL), "null");
    is_json(get("/access/groups/night", NULL), "{'members':[]}");
    cr_assert_eq(json_array_size(get("/access/acl", NULL)), 1);
}

DAEMON_TEST(user, errors_have_proxmoxs_words)
{
    fails(500, "create user failed: user 'joe@pve' already exists", "POST", "/access/users", "userid",
          "joe@pve", NULL);
    fails(500, "create user failed: no such group 'gone'", "POST", "/access/users", "userid", "new@pve",
          "groups", "gone", NULL);
    fails(500, "no such group 'gone'", "PUT", "/access/users/joe@pve", "groups", "gone", NULL);
    fails(500, "no such user ('new@pve')", "PUT", "/access/users/new@pve", "comment", "x", NULL);
    fails(500, "no such user ('new@pve')", "DELETE", "/access/users/new@pve", NULL);
    fails(500, "root@pam cannot be deleted", "DELETE", "/access/users/root@pam", NULL);
    wrong_parameter("groups", "missing property - 'append' requires this property", "PUT",
                    "/access/users/joe@pve", "append", "1", NULL);
    wrong_parameter("userid", "invalid format - value does not look like a valid user name\n", "POST",
                    "/access/users", "userid", "joe", NULL);
    wrong_parameter("email", "invalid format - value does not look like a valid email address\n", "POST",
                    "/access/users", "userid", "new@pve", "email", "nonsense", NULL);
}

/* Whoever has User.Modify on a group may create and change users in that group, if he may do so in their
 * realm.
 */
DAEMON_TEST(user, is_created_by_those_who_administer_a_group)
{
    put("/access/acl", "path", "/access/groups/staff", "roles", "PVEUserAdmin", "users", "ann@pve", NULL);
    call_as("ann@pve");
    fails(403, "Permission check failed (/access/realm/pve, Realm.AllocateUser)", "POST", "/access/users",
          "userid", "new@pve", "groups", "staff", NULL);
    call_with_token(NULL);
    put("/access/acl", "path", "/access/realm/pve", "roles", "PVEUserAdmin", "users", "ann@pve", NULL);
    delete ("/access/users/ann@pve/token/own", NULL);
    call_as("ann@pve");
    fails(403, "Permission check failed (/access/groups, User.Modify)", "POST", "/access/users", "userid",
          "new@pve", NULL);
    post("/access/users", "userid", "new@pve", "groups", "staff", NULL);
    put("/access/users/new@pve", "comment", "x", "groups", "staff", NULL);
    fails(403, "Permission check failed (/access/groups, User.Modify)", "PUT", "/access/users/new@pve",
          "comment", "x", NULL);
    fails(403, "Permission check failed (/access/groups, User.Modify)", "DELETE", "/access/users/bob@pve",
          NULL);
    delete ("/access/users/new@pve", NULL);
}

static void expect_root_is_spared(void)
{
    static const char refused[] = "Permission check failed (user != root@pam)";
    static const char token[] = "/access/users/root@pam/token/kept";

    fails(403, refused, "POST", "/access/users/root@pam/token/new", "privsep", "0", NULL);
    fails(403, refused, "PUT", token, "regenerate", "1", NULL);
    fails(403, refused, "PUT", token, "privsep", "0", NULL);
    fails(403, refused, "DELETE", token, NULL);
    fails(403, refused, "PUT", "/access/users/root@pam", "enable", "0", NULL);
    fails(403, refused, "PUT", "/access/users/root@pam", "groups", "staff", NULL);
    fails(500, "root@pam cannot be deleted", "DELETE", "/access/users/root@pam", NULL);
}

/* A token of root@pam without privilege separation may do everything else, an administrator too. */
DAEMON_TEST(user, root_is_changed_by_root_alone)
{
    post("/access/users/root@pam/token/kept", NULL);
    put("/access/acl", "path", "/", "roles", "Administrator", "users", "ann@pve", NULL);
    call_as("ann@pve");
    expect_root_is_spared();
    get("/access/users/root@pam/token", NULL);
    post("/access/users/joe@pve/token/new", "privsep", "0", NULL);
    call_with_token(NULL);
    put("/access/users/root@pam", "groups", "staff", NULL);
    call_as("root@pam");
    expect_root_is_spared();
    put("/access/users/joe@pve", "comment", "x", NULL);
    call_with_token(NULL);
    put("/access/users/root@pam", "comment", "x", NULL);
    put("/access/users/root@pam/token/kept", "privsep", "0", NULL);
}

/* Also by a group that root@pam is in. */
DAEMON_TEST(user, root_in_a_group_is_not_changed_with_it)
{
    put("/access/users/root@pam", "groups", "staff", NULL);
    put("/access/acl", "path", "/access/groups/staff", "roles", "PVEUserAdmin", "users", "ann@pve", NULL);
    call_as("ann@pve");
    post("/access/users/joe@pve/token/new", NULL);
    fails(403, "Permission check failed (user != root@pam)", "POST", "/access/users/root@pam/token/new",
          "privsep", "0", NULL);
}
