/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every endpoint with every role: who is let in and who is not is what the endpoint declares.
 *
 * Each role is given to a user on "/", so that it holds everywhere. What is sent has a parameter that no
 * endpoint knows: who is let in is told so (400), and nothing is changed. */
#include <criterion/criterion.h>
#include <string.h>

#include "api/request.h"
#include "base/memory.h"
#include "base/text.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/look.h"
#include "tests/api/path.h"

static void start(void)
{
    START(.host = "workstation");
    post("/access/users", "userid", "joe@pve", NULL);
}

TestSuite(every_role, .init = start, .timeout = 120);

/* The status that tells whether the caller is let in. */
static unsigned ask(const struct endpoint *endpoint)
{
    static const char parameters[] = "unknown=1&userid=joe@pve&path=/";
    bool query = endpoint->method == METHOD_GET || endpoint->method == METHOD_DELETE;
    autofree char *path = path_fill(endpoint->path), *with_query = xasprintf("%s?%s", path, parameters);
    const struct reply *reply = CALL(.method = method_names[endpoint->method],
                                     .path = query ? with_query : path, .body = query ? NULL : parameters);

    cr_assert(reply->status != 400 || has(reply->errors, "unknown"), "%s: %s", endpoint->path, reply->body);
    return reply->status;
}

static bool holds(const json_t *privileges, const char *name)
{
    return json_object_get(privileges, name) != NULL;
}

/* The rule as it is declared, for a token that has these privileges everywhere. */
static bool is_let_in(const struct permission *permission, const json_t *privileges)
{
    bool all =
        permission->kind == PERMISSION_AND || (permission->kind == PERMISSION_PRIVILEGES && !permission->any);
    bool result = all;

    switch (permission->kind) {
    case PERMISSION_WORLD:
    case PERMISSION_ALL:
    case PERMISSION_NOT_ROOT: /* the user that is asked about is another */
        return true;
    case PERMISSION_ROOT:
    case PERMISSION_SELF: /* a token is nobody's self */
        return false;
    case PERMISSION_REALM:
        return holds(privileges, "Realm.AllocateUser");
    case PERMISSION_MODIFY:
        return holds(privileges, "Permissions.Modify");
    case PERMISSION_PRIVILEGES:
    case PERMISSION_USER_GROUP:
        for (const char *const *name = permission->privileges; *name != NULL; name++)
            result = all ? result && holds(privileges, *name) : result || holds(privileges, *name);
        return result;
    case PERMISSION_OR:
    case PERMISSION_AND:
        for (const struct permission *check = permission->checks; check->kind != PERMISSION_ROOT; check++)
            result = all ? result && is_let_in(check, privileges) : result || is_let_in(check, privileges);
        return result;
    }
    return false;
}

/* A token of a user who has the role on "/"; copied, since calls are forgotten. */
static char *make_token(const char *role)
{
    autofree char *user = xasprintf("%s@pve", role), *path = xasprintf("/access/users/%s/token/own", user);

    post("/access/users", "userid", user, NULL);
    put("/access/acl", "path", "/", "users", user, "roles", role, NULL);
    const json_t *token = post(path, "privsep", "0", NULL);
    return xasprintf("%s=%s", text_of(token, "full-tokenid"), text_of(token, "value"));
}

/* A line for each endpoint that does not answer as it is declared. */
static void check_endpoint(const struct endpoint *endpoint, const char *who, unsigned expected,
                           struct text *wrong)
{
    unsigned status = ask(endpoint);

    if (status != expected)
        text_printf(wrong, "%s: %s %s: %u, not %u\n", who, method_names[endpoint->method], endpoint->path,
                    status, expected);
}

static void check_role(const char *role, struct text *wrong)
{
    autofree char *path = xasprintf("/access/roles/%s", role), *token = make_token(role);
    autojson json_t *privileges = json_deep_copy(get(path, NULL));

    call_with_token(token);
    for (size_t i = 0; i < endpoint_count; i++) {
        const struct endpoint *endpoint = endpoint_table[i];
        bool let_in = !endpoint->no_tokens && is_let_in(&endpoint->permission, privileges);
        check_endpoint(endpoint, role, let_in ? 400 : 403, wrong);
    }
    call_with_token(NULL);
}

DAEMON_TEST(every_role, is_let_in_where_it_is_declared)
{
    autojson json_t *roles = json_deep_copy(get("/access/roles", NULL));
    autotext struct text wrong = {0};
    json_t *role;
    size_t i;

    cr_assert_geq(json_array_size(roles), 15);
    json_array_foreach(roles, i, role)
        check_role(text_of(role, "roleid"), &wrong);
    cr_assert_str_empty(text_string(&wrong));
}

DAEMON_TEST(every_role, root_is_let_in_everywhere)
{
    autotext struct text wrong = {0};

    for (size_t i = 0; i < endpoint_count; i++)
        check_endpoint(endpoint_table[i], "root@pam", 400, &wrong);
    cr_assert_str_empty(text_string(&wrong));
}

DAEMON_TEST(every_role, without_a_login_only_the_worlds_are_open)
{
    autotext struct text wrong = {0};

    call_with_token("");
    for (size_t i = 0; i < endpoint_count; i++) {
        bool open = endpoint_table[i]->permission.kind == PERMISSION_WORLD;
        check_endpoint(endpoint_table[i], "nobody", open ? 400 : 401, &wrong);
    }
    cr_assert_str_empty(text_string(&wrong));
}
