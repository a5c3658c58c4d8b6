/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /access/acl: who has which role on which path. */
#include "access/acl_entry.h"
#include "api/endpoints.h"
#include "api/request.h"
#include "base/memory.h"

static const struct permission allow_all_rows = ALLOW_PRIVILEGE("/access", "Sys.Audit");
static const struct permission allow_row = {.kind = PERMISSION_MODIFY, .path = "{path}"};

static int list_acl(struct request *request, json_t **ret, struct error *err)
{
    struct access *access = request->service->access;
    autojson json_t *entries = NULL;
    struct error ignored;
    json_t *entry, *list;
    size_t i;

    if (acl_entry_list(request->service->storage, &entries, err) != 0)
        return -1;
    bool all = access_check(access, &request->caller, &allow_all_rows, NULL, &ignored) == 0;
    list = json_array();
    json_array_foreach(entries, i, entry)
        if (all || access_check(access, &request->caller, &allow_row, entry, &ignored) == 0)
            json_array_append(list, entry);
    *ret = list;
    return 0;
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
