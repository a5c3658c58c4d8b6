/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /access/roles: sets of privileges that can be granted. */
#include "access/role.h"

#include "api/endpoints.h"
#include "api/request.h"

#define PARAMETER_ROLEID                                                                                     \
    {.name = "roleid",                                                                                       \
     .type = SCHEMA_STRING,                                                                                  \
     .format = "pve-roleid",                                                                                 \
     .max_length = 128,                                                                                      \
     .text = "Name of the role."}
#define PRIVILEGES                                                                                           \
    {.name = "privs",                                                                                        \
     .type = SCHEMA_STRING,                                                                                  \
     .optional = true,                                                                                       \
     .format = "pve-priv-list",                                                                              \
     .text = "Privileges, separated by commas."}

static int list_roles(struct request *request, json_t **ret, struct error *err)
{
    return role_list(request->service->storage, ret, err);
}

const struct endpoint endpoint_list_roles = {
    .method = METHOD_GET,
    .path = "/access/roles",
    .text = "Lists the roles and the privileges of each.",
    .permission = ALLOW_ALL,
    .returns = {.type = SCHEMA_ARRAY,
                .items =
                    ITEMS(.type = SCHEMA_OBJECT,
                          .properties = PROPERTIES(
                              PARAMETER_ROLEID, PRIVILEGES,
                              {.name = "special",
                               .type = SCHEMA_BOOLEAN,
                               .optional = true,
                               .fallback = "0",
                               .text = "1: the role is built in and can be neither changed nor deleted."}))},
    .may_block = true,
    .run = list_roles,
};

static int get_role(struct request *request, json_t **ret, struct error *err)
{
    return role_read(request->service->storage, param_string(request, "roleid"), ret, err);
}

#define PRIVILEGE(privilege) {.name = (privilege), .type = SCHEMA_BOOLEAN, .optional = true},
static const struct schema privilege_properties[] = {
#include "access/privileges.def"
    {.name = NULL},
};
#undef PRIVILEGE

const struct endpoint endpoint_get_role = {
    .method = METHOD_GET,
    .path = "/access/roles/{roleid}",
    .text = "Shows one role: 1 for each privilege that it has.",
    .permission = ALLOW_ALL,
    .parameters = PROPERTIES(PARAMETER_ROLEID),
    .returns = {.type = SCHEMA_OBJECT, .properties = privilege_properties},
    .may_block = true,
    .run = get_role,
};

static int create_role(struct request *request, json_t **ret, struct error *err)
{
    *ret = json_null();
    return role_create(request->service->access, &request->caller, param_string(request, "roleid"),
                       param_string(request, "privs"), err);
}

const struct endpoint endpoint_create_role = {
    .method = METHOD_POST,
    .path = "/access/roles",
    .text = "Creates a role.",
    .permission = ALLOW_PRIVILEGE("/access", "Sys.Modify"),
    .parameters = PROPERTIES(PARAMETER_ROLEID, PRIVILEGES),
    .returns = {.type = SCHEMA_NULL},
    .may_block = true,
    .run = create_role,
};

static int update_role(struct request *request, json_t **ret, struct error *err)
{
    bool append = param_boolean(request, "append");

    *ret = json_null();
    if (append && !param_given(request, "privs"))
        return error_set_field(err, "privs", "missing property - 'append' requires this property");
    return role_update(request->service->access, &request->caller, param_string(request, "roleid"),
                       param_string(request, "privs"), append, err);
}

const struct endpoint endpoint_update_role = {
    .method = METHOD_PUT,
    .path = "/access/roles/{roleid}",
    .text = "Changes the privileges of a role, at once for everybody who has the role.",
    .permission = ALLOW_PRIVILEGE("/access", "Sys.Modify"),
    .parameters =
        PROPERTIES(PARAMETER_ROLEID, PRIVILEGES,
                   {.name = "append",
                    .type = SCHEMA_BOOLEAN,
                    .optional = true,
                    .text = "Add the privileges to those that the role has, instead of replacing them."}),
    .returns = {.type = SCHEMA_NULL},
    .may_block = true,
    .run = update_role,
};

static int delete_role(struct request *request, json_t **ret, struct error *err)
{
    *ret = json_null();
    return role_delete(request->service->storage, param_string(request, "roleid"), err);
}

const struct endpoint endpoint_delete_role = {
    .method = METHOD_DELETE,
    .path = "/access/roles/{roleid}",
    .text = "Deletes a role and the ACL entries that grant it.",
    .permission = ALLOW_PRIVILEGE("/access", "Sys.Modify"),
    .parameters = PROPERTIES(PARAMETER_ROLEID),
    .returns = {.type = SCHEMA_NULL},
    .may_block = true,
    .run = delete_role,
};
