/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /access/groups: sets of users to which roles are granted. */
#include "access/group.h"

#include "api/endpoints.h"
#include "api/request.h"
#include "base/memory.h"

#define PARAMETER_GROUPID                                                                                    \
    {.name = "groupid",                                                                                      \
     .type = SCHEMA_STRING,                                                                                  \
     .format = "pve-groupid",                                                                                \
     .max_length = 128,                                                                                      \
     .text = "Name of the group."}
#define GROUP_COMMENT {.name = "comment", .type = SCHEMA_STRING, .optional = true, .max_length = 2048}

static const struct permission allow_row =
    ALLOW_ANY_PRIVILEGE("/access/groups/{groupid}", "User.Modify", "Sys.Audit", "Group.Allocate");

static bool is_visible(const char *group, void *context)
{
    const struct request *request = context;
    autojson json_t *params = json_pack("{s:s}", "groupid", group);
    struct error ignored;

    return access_check(request->service->access, &request->caller, &allow_row, params, &ignored) == 0;
}

static int list_groups(struct request *request, json_t **ret, struct error *err)
{
    return group_list(request->service->storage, is_visible, request, ret, err);
}

const struct endpoint endpoint_list_groups = {
    .method = METHOD_GET,
    .path = "/access/groups",
    .text = "Lists the groups that the caller may see.",
    .permission = ALLOW_ALL,
    .returns = {.type = SCHEMA_ARRAY,
                .empty = "There are no groups, or none that the caller may see.",
                .items = ITEMS(.type = SCHEMA_OBJECT,
                               .properties = PROPERTIES(PARAMETER_GROUPID, GROUP_COMMENT,
                                                        {.name = "users",
                                                         .type = SCHEMA_STRING,
                                                         .optional = true,
                                                         .format = "pve-userid-list",
                                                         .text = "The members, separated by commas."}))},
    .may_block = true,
    .run = list_groups,
};

static int get_group(struct request *request, json_t **ret, struct error *err)
{
    return group_read(request->service->storage, param_string(request, "groupid"), ret, err);
}

const struct endpoint endpoint_get_group = {
    .method = METHOD_GET,
    .path = "/access/groups/{groupid}",
    .text = "Shows one group and its members.",
    .permission = ALLOW_ANY_PRIVILEGE("/access/groups", "Sys.Audit", "Group.Allocate"),
    .parameters = PROPERTIES(PARAMETER_GROUPID),
    .returns = {.type = SCHEMA_OBJECT,
                .properties = PROPERTIES(
                    GROUP_COMMENT,
                    {.name = "members",
                     .type = SCHEMA_ARRAY,
                     .items = ITEMS(.type = SCHEMA_STRING, .format = "pve-userid", .max_length = 64)})},
    .may_block = true,
    .run = get_group,
};

static int create_group(struct request *request, json_t **ret, struct error *err)
{
    *ret = json_null();
    return group_create(request->service->storage, param_string(request, "groupid"),
                        param_string(request, "comment"), err);
}

const struct endpoint endpoint_create_group = {
    .method = METHOD_POST,
    .path = "/access/groups",
    .text = "Creates a group. Members are added by changing the users.",
    .permission = ALLOW_PRIVILEGE("/access/groups", "Group.Allocate"),
    .parameters = PROPERTIES(PARAMETER_GROUPID, GROUP_COMMENT),
    .returns = {.type = SCHEMA_NULL},
    .may_block = true,
    .run = create_group,
};

static int update_group(struct request *request, json_t **ret, struct error *err)
{
    *ret = json_null();
    return group_update(request->service->storage, param_string(request, "groupid"),
                        param_string(request, "comment"), err);
}

const struct endpoint endpoint_update_group = {
    .method = METHOD_PUT,
    .path = "/access/groups/{groupid}",
    .text = "Changes a group's comment. An empty comment removes the old one.",
    .permission = ALLOW_PRIVILEGE("/access/groups", "Group.Allocate"),
    .parameters = PROPERTIES(PARAMETER_GROUPID, GROUP_COMMENT),
    .returns = {.type = SCHEMA_NULL},
    .may_block = true,
    .run = update_group,
};

static int delete_group(struct request *request, json_t **ret, struct error *err)
{
    *ret = json_null();
    return group_delete(request->service->storage, param_string(request, "groupid"), err);
}

const struct endpoint endpoint_delete_group = {
    .method = METHOD_DELETE,
    .path = "/access/groups/{groupid}",
    .text = "Deletes a group and its ACL entries, but not its members.",
    .permission = ALLOW_PRIVILEGE("/access/groups", "Group.Allocate"),
    .parameters = PROPERTIES(PARAMETER_GROUPID),
    .returns = {.type = SCHEMA_NULL},
    .may_block = true,
    .run = delete_group,
};
