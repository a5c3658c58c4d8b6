/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /access/users: the users. */
#include "access/user.h"

#include "access/login.h"
#include "api/access/token.h"
#include "api/endpoints.h"
#include "api/request.h"
#include "base/memory.h"

#define ALLOW_USER {.kind = PERMISSION_USER_GROUP, .privileges = VALUES("User.Modify", "Sys.Audit")}

static const struct permission allow_user_or_self = ALLOW_OR({.kind = PERMISSION_SELF}, ALLOW_USER);

static bool is_wanted(const char *user, bool enabled, void *context)
{
    const struct request *request = context;
    autojson json_t *params = json_pack("{s:s}", "userid", user);
    struct error ignored;

    if (param_given(request, "enabled") && param_boolean(request, "enabled") != enabled)
        return false;
    return access_check(request->service->access, &request->caller, &allow_user_or_self, params, &ignored) ==
           0;
}

static int list_users(struct request *request, json_t **ret, struct error *err)
{
    const struct user_filter filter = {param_boolean(request, "full"), is_wanted, request};

    return user_list(request->service->access, &filter, ret, err);
}

#define USER_SETTINGS                                                                                        \
    {.name = "enable",                                                                                       \
     .type = SCHEMA_BOOLEAN,                                                                                 \
     .optional = true,                                                                                       \
     .fallback = "1",                                                                                        \
     .text = "0: neither the user nor its tokens can log in."},                                              \
        {.name = "expire",                                                                                   \
         .type = SCHEMA_INTEGER,                                                                             \
         .optional = true,                                                                                   \
         .range = AT_LEAST(0),                                                                               \
         .text = "When the user expires, in seconds since 1970; 0: never."},                                 \
        {.name = "firstname", .type = SCHEMA_STRING, .optional = true, .max_length = 1024},                  \
        {.name = "lastname", .type = SCHEMA_STRING, .optional = true, .max_length = 1024},                   \
        {.name = "email",                                                                                    \
         .type = SCHEMA_STRING,                                                                              \
         .optional = true,                                                                                   \
         .format = "email-opt",                                                                              \
         .max_length = 254},                                                                                 \
        {.name = "comment", .type = SCHEMA_STRING, .optional = true, .max_length = 2048},                    \
        {.name = "keys", .type = SCHEMA_STRING, .optional = true, .pattern = "[0-9a-zA-Z!=]{0,4096}"}

const struct endpoint endpoint_list_users = {
    .method = METHOD_GET,
    .path = "/access/users",
    .text = "Lists the users that the caller may see.",
    .permission = ALLOW_ALL,
    .parameters = PROPERTIES({.name = "enabled",
                              .type = SCHEMA_BOOLEAN,
                              .optional = true,
                              .text = "List only users that are enabled (1) or disabled (0)."},
                             {.name = "full",
                              .type = SCHEMA_BOOLEAN,
                              .optional = true,
                              .fallback = "0",
                              .text = "Include groups and tokens."}),
    .returns = {.type = SCHEMA_ARRAY,
                .items =
                    ITEMS(.type = SCHEMA_OBJECT,
                          .properties = PROPERTIES(
                              PARAMETER_USERID, USER_SETTINGS, {.name = "realm-type", .type = SCHEMA_STRING},
                              {.name = "groups",
                               .type = SCHEMA_STRING,
                               .optional = true,
                               .text = "The user's groups, separated by commas."},
                              {.name = "tokens",
                               .type = SCHEMA_ARRAY,
                               .optional = true,
                               .nullable = true,
                               .items =
                                   ITEMS(.type = SCHEMA_OBJECT,
                                         .properties = PROPERTIES(PARAMETER_TOKENID, TOKEN_SETTINGS))}))},
    .may_block = true,
    .run = list_users,
};

static int get_user(struct request *request, json_t **ret, struct error *err)
{
    return user_read(request->service->storage, param_string(request, "userid"), ret, err);
}

const struct endpoint endpoint_get_user = {
    .method = METHOD_GET,
    .path = "/access/users/{userid}",
    .text = "Shows one user with its groups and tokens.",
    .permission = ALLOW_USER,
    .parameters = PROPERTIES(PARAMETER_USERID),
    .returns = {.type = SCHEMA_OBJECT,
                .properties = PROPERTIES(
                    USER_SETTINGS,
                    {.name = "groups",
                     .type = SCHEMA_ARRAY,
                     .items = ITEMS(.type = SCHEMA_STRING, .format = "pve-groupid")},
                    {.name = "tokens",
                     .type = SCHEMA_OBJECT,
                     .nullable = true,
                     .open = true,
                     .text = "{TOKENID: {expire, privsep, comment}}; null if the user has no tokens."})},
    .may_block = true,
    .run = get_user,
};

#define PARAMETER_GROUPS                                                                                     \
    {.name = "groups",                                                                                       \
     .type = SCHEMA_STRING,                                                                                  \
     .optional = true,                                                                                       \
     .format = "pve-groupid-list",                                                                           \
     .text = "Groups that the user is a member of."}

static int create_user(struct request *request, json_t **ret, struct error *err)
{
    const char *user = param_string(request, "userid"), *password = param_string(request, "password");
    autofree char *hash = NULL;

    *ret = json_null();
    if (password != NULL && login_hash_password(user, password, &hash, err) != 0)
        return error_prefix(err, "create user failed: ");
    return user_create(request->service->storage, user, hash, request->params, err);
}

const struct endpoint endpoint_create_user = {
    .method = METHOD_POST,
    .path = "/access/users",
    .text = "Creates a user. Users of realm pve can be given a password; those of realm pam have their "
            "password of the host.",
    .permission = ALLOW_AND(
        {.kind = PERMISSION_REALM},
        {.kind = PERMISSION_USER_GROUP, .privileges = VALUES("User.Modify"), .groups = GROUPS_CREATE}),
    .parameters = PROPERTIES(PARAMETER_USERID, USER_SETTINGS, PARAMETER_GROUPS,
                             {.name = "password",
                              .type = SCHEMA_STRING,
                              .optional = true,
                              .min_length = 8,
                              .max_length = 64,
                              .text = "Initial password, of a user of realm pve."}),
    .returns = {.type = SCHEMA_NULL},
    .may_block = true,
    .hashes = "password",
    .run = create_user,
};

static int update_user(struct request *request, json_t **ret, struct error *err)
{
    *ret = json_null();
    if (param_boolean(request, "append") && !param_given(request, "groups"))
        return error_set_field(err, "groups", "missing property - 'append' requires this property");
    return user_update(request->service->storage, param_string(request, "userid"), request->params, err);
}

const struct endpoint endpoint_update_user = {
    .method = METHOD_PUT,
    .path = "/access/users/{userid}",
    .text = "Changes a user. An empty string removes a setting.",
    .permission = ALLOW_AND(
        {.kind = PERMISSION_USER_GROUP, .privileges = VALUES("User.Modify"), .groups = GROUPS_UPDATE},
        {.kind = PERMISSION_NOT_ROOT}),
    .parameters =
        PROPERTIES(PARAMETER_USERID, USER_SETTINGS, PARAMETER_GROUPS,
                   {.name = "append",
                    .type = SCHEMA_BOOLEAN,
                    .optional = true,
                    .text = "Add the groups to those that the user is in, instead of replacing them."}),
    .returns = {.type = SCHEMA_NULL},
    .may_block = true,
    .run = update_user,
};

static int delete_user(struct request *request, json_t **ret, struct error *err)
{
    *ret = json_null();
    return user_delete(request->service->storage, param_string(request, "userid"), err);
}

const struct endpoint endpoint_delete_user = {
    .method = METHOD_DELETE,
    .path = "/access/users/{userid}",
    .text = "Deletes a user and its tokens, group memberships and ACL entries.",
    .permission = ALLOW_AND({.kind = PERMISSION_REALM},
                            {.kind = PERMISSION_USER_GROUP, .privileges = VALUES("User.Modify")}),
    .parameters = PROPERTIES(PARAMETER_USERID),
    .returns = {.type = SCHEMA_NULL},
    .may_block = true,
    .run = delete_user,
};
