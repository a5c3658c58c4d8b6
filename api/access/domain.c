/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /access/domains: the realms that users belong to. */
#include "access/realm.h"
#include "api/endpoints.h"
#include "api/request.h"

#define PARAMETER_REALM                                                                                      \
    {.name = "realm",                                                                                        \
     .type = SCHEMA_STRING,                                                                                  \
     .format = "pve-realm",                                                                                  \
     .max_length = 32,                                                                                       \
     .text = "Name of the realm."}
#define REALM_DEFAULT                                                                                        \
    {.name = "default",                                                                                      \
     .type = SCHEMA_BOOLEAN,                                                                                 \
     .optional = true,                                                                                       \
     .text = "Whether login forms preselect this realm."}
#define REALM_COMMENT {.name = "comment", .type = SCHEMA_STRING, .optional = true, .max_length = 4096}

static int list_domains(struct request *request, json_t **ret, struct error *err)
{
    return realm_list(request->service->storage, ret, err);
}

const struct endpoint endpoint_list_domains = {
    .method = METHOD_GET,
    .path = "/access/domains",
    .text = "Lists the realms that a user can log in to.",
    .permission = ALLOW_WORLD,
    .returns = {.type = SCHEMA_ARRAY,
                .items = ITEMS(.type = SCHEMA_OBJECT,
                               .properties = PROPERTIES({.name = "realm", .type = SCHEMA_STRING},
                                                        {.name = "type", .type = SCHEMA_STRING},
                                                        REALM_COMMENT, REALM_DEFAULT))},
    .run = list_domains,
};

static int get_domain(struct request *request, json_t **ret, struct error *err)
{
    return realm_read(request->service->storage, param_string(request, "realm"), ret, err);
}

const struct endpoint endpoint_get_domain = {
    .method = METHOD_GET,
    .path = "/access/domains/{realm}",
    .text = "Shows one realm.",
    .permission = ALLOW_ANY_PRIVILEGE("/access/realm", "Realm.Allocate", "Sys.Audit"),
    .parameters = PROPERTIES(PARAMETER_REALM),
    .returns = {.type = SCHEMA_OBJECT,
                .properties = PROPERTIES({.name = "type", .type = SCHEMA_STRING}, REALM_COMMENT,
                                         REALM_DEFAULT, {.name = "digest", .type = SCHEMA_STRING})},
    .run = get_domain,
};

static int update_domain(struct request *request, json_t **ret, struct error *err)
{
    *ret = json_null();
    return realm_update(request->service->storage, param_string(request, "realm"), request->params, err);
}

const struct endpoint endpoint_update_domain = {
    .method = METHOD_PUT,
    .path = "/access/domains/{realm}",
    .text = "Changes the comment of a realm, and whether it is the default.",
    .permission = ALLOW_PRIVILEGE("/access/realm", "Realm.Allocate"),
    .parameters = PROPERTIES(PARAMETER_REALM, REALM_COMMENT, REALM_DEFAULT,
                             {.name = "delete",
                              .type = SCHEMA_STRING,
                              .optional = true,
                              .format = "pve-configid-list",
                              .max_length = 4096,
                              .text = "Settings to remove: comment, default."},
                             PARAMETER_DIGEST),
    .returns = {.type = SCHEMA_NULL},
    .may_block = true,
    .run = update_domain,
};

static int create_domain(struct request *request, json_t **ret, struct error *err)
{
    (void)ret;
    return realm_create(param_string(request, "realm"), param_string(request, "type"), err);
}

const struct endpoint endpoint_create_domain = {
    .method = METHOD_POST,
    .path = "/access/domains",
    .text = "Always fails: the realms pam and pve are built in, and directories (LDAP, OpenID) are not "
            "supported.",
    .permission = ALLOW_PRIVILEGE("/access/realm", "Realm.Allocate"),
    .parameters =
        PROPERTIES(PARAMETER_REALM, {.name = "type", .type = SCHEMA_STRING, .values = VALUES("pam", "pve")},
                   REALM_COMMENT, REALM_DEFAULT),
    .returns = {.type = SCHEMA_NULL},
    .run = create_domain,
};

static int delete_domain(struct request *request, json_t **ret, struct error *err)
{
    (void)ret;
    return realm_delete(param_string(request, "realm"), err);
}

const struct endpoint endpoint_delete_domain = {
    .method = METHOD_DELETE,
    .path = "/access/domains/{realm}",
    .text = "Always fails: the realms pam and pve are built in.",
    .permission = ALLOW_PRIVILEGE("/access/realm", "Realm.Allocate"),
    .parameters = PROPERTIES(PARAMETER_REALM),
    .returns = {.type = SCHEMA_NULL},
    .run = delete_domain,
};
