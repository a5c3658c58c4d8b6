/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /access/password: changing passwords. */
#include <string.h>

#include "access/login.h"
#include "api/access/token.h"
#include "api/endpoints.h"
#include "api/request.h"
#include "base/text.h"

#define CONFIRMATION "confirmation-password"

/* Everybody except root@pam must give his own password again, since a ticket may have been stolen. */
static int confirm(struct request *request, struct error *err)
{
    const char *user = param_string(request, "userid"), *caller = request->caller.user;
    const char *confirmation = param_string(request, CONFIRMATION);

    if (strcmp(user, caller) != 0 && text_ends_with(user, "@pam"))
        return error_set(err, ERROR_FORBIDDEN, "Permission check failed (user != root@pam)");
    if (confirmation == NULL)
        return error_set_field(err, CONFIRMATION, "password is required to modify user");
    return login_prove_password(request->service->access, caller, confirmation, err);
}

static int change_password(struct request *request, json_t **ret, struct error *err)
{
    *ret = json_null();
    if (!identity_is_root(&request->caller) && confirm(request, err) != 0)
        return -1;
    return login_set_password(request->service->access, param_string(request, "userid"),
                              param_string(request, "password"), err);
}

const struct endpoint endpoint_change_password = {
    .method = METHOD_PUT,
    .path = "/access/password",
    .text = "Changes the password of a user of realm pve. Users can change their own; other users' passwords "
            "need User.Modify.",
    .permission = ALLOW_OR({.kind = PERMISSION_SELF},
                           ALLOW_AND({.kind = PERMISSION_REALM},
                                     {.kind = PERMISSION_USER_GROUP, .privileges = VALUES("User.Modify")})),
    .parameters = PROPERTIES(PARAMETER_USERID,
                             {.name = "password",
                              .type = SCHEMA_STRING,
                              .min_length = 8,
                              .max_length = 64,
                              .text = "The new password."},
                             {.name = CONFIRMATION,
                              .type = SCHEMA_STRING,
                              .optional = true,
                              .min_length = 5,
                              .max_length = 64,
                              .text = "The caller's own password, required of everybody except root@pam."}),
    .returns = {.type = SCHEMA_NULL},
    .may_block = true,
    .no_tokens = true,
    .login = true,
    .run = change_password,
};
