/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /access/acl: who has which role on which path. */
#include "access/acl_entry.h"
#include "api/endpoints.h"
#include "api/request.h"
#include "base/memory.h"

static const struct permission allow_all_rows = ALLOW_PRIVILEGE("/access", "Sys.Audit");
static const struct permission allow_row = {.kind = PERMISSION_MODIFY, .path = "{path}"};

static bool is_any(const char *path, void *context)
{
    (void)path, (void)context;
    return true;
}

static bool is_visible(const char *path, void *context)
{
    const struct request *request = context;
    autojson json_t *params = json_pack("{s:s}", "path", path);
    struct error ignored;

    return access_check(request->service->access, &request->caller, &allow_row, params, &ignored) == 0;
}

static int list_acl(struct request *request, json_t **ret, struct error *err)
{
    struct access *access = request->service->access;
    struct error ignored;
    bool all = access_check(access, &request->caller, &allow_all_rows, NULL, &ignored) == 0;

    return acl_entry_list(access, all ? is_any : is_visible, request, ret, err);
}

#define PROPAGATE                                                                                            \
    {.name = "propagate",                                                                                    \
     .type = SCHEMA_BOOLEAN,                                                                                 \
     .optional = true,                                                                                       \
     .fallback = "1",                                                                                        \
     .text = "Whether the paths below inherit the role."}

const struct endpoint endpoint_list_acl = {
    .method = METHOD_GET,
    .path = "/access/acl",
    .text = "Lists the entries of the access control list. Callers without Sys.Audit on /access see only "
            "those that they may change.",
    .permission = ALLOW_ALL,
    .returns = {.type = SCHEMA_ARRAY,
                .empty = "There are no ACL entries, or none that the caller may see.",
                .items =
                    ITEMS(.type = SCHEMA_OBJECT,
                          .properties = PROPERTIES({.name = "path", .type = SCHEMA_STRING},
                                                   {.name = "type",
                                                    .type = SCHEMA_STRING,
                                                    .values = VALUES("user", "group", "token")},
                                                   {.name = "ugid",
                                                    .type = SCHEMA_STRING,
                                                    .text = "The user, group or token that has the role."},
                                                   {.name = "roleid", .type = SCHEMA_STRING}, PROPAGATE))},
    .may_block = true,
    .run = list_acl,
};

static int update_acl(struct request *request, json_t **ret, struct error *err)
{
    const struct acl_entry_change change = {.path = param_string(request, "path"),
                                            .roles = param_string(request, "roles"),
                                            .users = param_string(request, "users"),
                                            .groups = param_string(request, "groups"),
                                            .tokens = param_string(request, "tokens"),
                                            .propagate = param_boolean(request, "propagate"),
                                            .remove = param_boolean(request, "delete")};

    *ret = json_null();
    return acl_entry_update(request->service->access, &request->caller, &change, err);
}

const struct endpoint endpoint_update_acl = {
    .method = METHOD_PUT,
    .path = "/access/acl",
    .text =
        "Grants each of the roles to each of the users, groups and tokens, or revokes it. Callers without "
        "Permissions.Modify on the path can grant only privileges that they have there themselves.",
    .permission = {.kind = PERMISSION_MODIFY, .path = "{path}"},
    .parameters = PROPERTIES(
        {.name = "path",
         .type = SCHEMA_STRING,
         .max_length = 1023,
         .text = "Path that the roles apply to, such as /vms/100."},
        {.name = "roles", .type = SCHEMA_STRING, .format = "pve-roleid-list"},
        {.name = "users", .type = SCHEMA_STRING, .optional = true, .format = "pve-userid-list"},
        {.name = "groups", .type = SCHEMA_STRING, .optional = true, .format = "pve-groupid-list"},
        {.name = "tokens", .type = SCHEMA_STRING, .optional = true, .format = "pve-tokenid-list"}, PROPAGATE,
        {.name = "delete",
         .type = SCHEMA_BOOLEAN,
         .optional = true,
         .text = "Revoke the roles. Revoking a role that was not granted succeeds."}),
    .returns = {.type = SCHEMA_NULL},
    .may_block = true,
    .run = update_acl,
};
