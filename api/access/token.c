/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /access/users/{userid}/token: API tokens. */
#include "access/token.h"

#include "api/access/token.h"
#include "api/endpoints.h"
#include "api/request.h"

#define ALLOW_TOKEN                                                                                          \
    ALLOW_OR({.kind = PERMISSION_SELF}, {.kind = PERMISSION_USER_GROUP, .privileges = VALUES("User.Modify")})

/* A token of root@pam may do everything, so nobody else may make or change one. */
#define ALLOW_TOKEN_CHANGE ALLOW_AND(ALLOW_TOKEN, {.kind = PERMISSION_NOT_ROOT})

#define FULL_TOKENID       {.name = "full-tokenid", .type = SCHEMA_STRING, .text = "USER@REALM!TOKENID"}
#define TOKEN_VALUE                                                                                          \
    {.name = "value", .type = SCHEMA_STRING, .text = "The secret. No later request returns it."}

static int list_tokens(struct request *request, json_t **ret, struct error *err)
{
    return token_list(request->service->storage, param_string(request, "userid"), ret, err);
}

const struct endpoint endpoint_list_tokens = {
    .method = METHOD_GET,
    .path = "/access/users/{userid}/token",
    .text = "Lists a user's API tokens.",
    .permission = ALLOW_TOKEN,
    .parameters = PROPERTIES(PARAMETER_USERID),
    .returns = {.type = SCHEMA_ARRAY,
                .empty = "The user has no API tokens.",
                .items = ITEMS(.type = SCHEMA_OBJECT,
                               .properties = PROPERTIES(PARAMETER_TOKENID, TOKEN_SETTINGS))},
    .may_block = true,
    .run = list_tokens,
};

static int get_token(struct request *request, json_t **ret, struct error *err)
{
    return token_read(request->service->storage, param_string(request, "userid"),
                      param_string(request, "tokenid"), ret, err);
}

const struct endpoint endpoint_get_token = {
    .method = METHOD_GET,
    .path = "/access/users/{userid}/token/{tokenid}",
    .text = "Shows one API token, without its secret.",
    .permission = ALLOW_TOKEN,
    .parameters = PROPERTIES(PARAMETER_USERID, PARAMETER_TOKENID),
    .returns = {.type = SCHEMA_OBJECT, .properties = PROPERTIES(TOKEN_SETTINGS)},
    .may_block = true,
    .run = get_token,
};

static int create_token(struct request *request, json_t **ret, struct error *err)
{
    return token_create(request->service->storage, param_string(request, "userid"),
                        param_string(request, "tokenid"), request->params, ret, err);
}

const struct endpoint endpoint_create_token = {
    .method = METHOD_POST,
    .path = "/access/users/{userid}/token/{tokenid}",
    .text = "Creates an API token and returns its secret, which no later request does.",
    .permission = ALLOW_TOKEN_CHANGE,
    .parameters = PROPERTIES(PARAMETER_USERID, PARAMETER_TOKENID, TOKEN_SETTINGS),
    .returns = {.type = SCHEMA_OBJECT,
                .properties = PROPERTIES(
                    FULL_TOKENID, TOKEN_VALUE,
                    {.name = "info", .type = SCHEMA_OBJECT, .properties = PROPERTIES(TOKEN_SETTINGS)})},
    .may_block = true,
    .run = create_token,
};

static int update_token(struct request *request, json_t **ret, struct error *err)
{
    return token_update(request->service->storage, param_string(request, "userid"),
                        param_string(request, "tokenid"), request->params, ret, err);
}

const struct endpoint endpoint_update_token = {
    .method = METHOD_PUT,
    .path = "/access/users/{userid}/token/{tokenid}",
    .text = "Changes an API token.",
    .permission = ALLOW_TOKEN_CHANGE,
    .parameters = PROPERTIES(PARAMETER_USERID, PARAMETER_TOKENID, TOKEN_SETTINGS,
                             {.name = "regenerate",
                              .type = SCHEMA_BOOLEAN,
                              .optional = true,
                              .fallback = "0",
                              .text = "Replace the secret and return the new one."},
                             {.name = "delete",
                              .type = SCHEMA_STRING,
                              .optional = true,
                              .format = "pve-configid-list",
                              .max_length = 1024,
                              .text = "Settings to remove: comment."}),
    .returns = {.type = SCHEMA_OBJECT,
                .properties = PROPERTIES(TOKEN_SETTINGS,
                                         {.name = "full-tokenid", .type = SCHEMA_STRING, .optional = true},
                                         {.name = "value", .type = SCHEMA_STRING, .optional = true})},
    .may_block = true,
    .run = update_token,
};

static int delete_token(struct request *request, json_t **ret, struct error *err)
{
    *ret = json_null();
    return token_delete(request->service->storage, param_string(request, "userid"),
                        param_string(request, "tokenid"), err);
}

const struct endpoint endpoint_delete_token = {
    .method = METHOD_DELETE,
    .path = "/access/users/{userid}/token/{tokenid}",
    .text = "Deletes an API token. Its secret is refused from then on.",
    .permission = ALLOW_TOKEN_CHANGE,
    .parameters = PROPERTIES(PARAMETER_USERID, PARAMETER_TOKENID),
    .returns = {.type = SCHEMA_NULL},
    .may_block = true,
    .run = delete_token,
};
