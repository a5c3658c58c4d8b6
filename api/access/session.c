/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /access/session: a browser's login, whose ticket no script of the page can read. */
#include <stdio.h>
#include <string.h>

#include "access/login.h"
#include "access/report.h"
#include "api/endpoints.h"
#include "api/request.h"
#include "base/memory.h"

static const struct schema session_properties[] = {
    {.name = "username", .type = SCHEMA_STRING},
    {.name = "CSRFPreventionToken",
     .type = SCHEMA_STRING,
     .text = "To be sent in a header of this name with every request but GET."},
    {.name = "cap",
     .type = SCHEMA_OBJECT,
     .open = true,
     .text = "Privileges that the user has on any path, as POST /access/ticket returns them."},
    {.name = NULL}};

/* The ticket goes into the cookie, everything else into the reply. */
static int grant(struct request *request, const char *user, const char *proof, json_t **ret,
                 struct error *err)
{
    struct access *access = request->service->access;
    autojson json_t *reply = NULL;
    struct login login;
    json_t *privileges;
    struct identity who = {0};

    if (login_prove(access, user, proof, &login, err) != 0 || login_grant(access, &login, &reply, err) != 0)
        return -1;
    snprintf(who.user, sizeof(who.user), "%s", user);
    if (report_interface_privileges(access, &who, &privileges, err) != 0)
        return -1;
    json_object_set_new(reply, "cap", privileges);
    request->new_ticket = xstrdup(json_string_value(json_object_get(reply, "ticket")));
    json_object_del(reply, "ticket");
    *ret = TAKE(reply);
    return 0;
}

static int create_session(struct request *request, json_t **ret, struct error *err)
{
    const char *user = param_string(request, "username");

    if (strlen(user) >= USERID_SIZE)
        return error_set(err, ERROR_LOGIN, "no such user");
    return grant(request, user, param_string(request, "password"), ret, err);
}

const struct endpoint endpoint_create_session = {
    .method = METHOD_POST,
    .path = "/access/session",
    .text = "Logs a browser in: the ticket is set as the cookie PVEAuthCookie, which is HttpOnly, Secure and "
            "SameSite=Strict, so that no script can read it and no page of another site can use it.",
    .permission = ALLOW_WORLD,
    .parameters =
        PROPERTIES({.name = "username", .type = SCHEMA_STRING, .max_length = 64, .text = "NAME@REALM"},
                   {.name = "password", .type = SCHEMA_STRING, .text = "The password."}),
    .returns = {.type = SCHEMA_OBJECT, .properties = session_properties},
    .may_block = true,
    .no_tokens = true,
    .own_page = true,
    .login = true,
    .run = create_session,
};

static int get_session(struct request *request, json_t **ret, struct error *err)
{
    if (request->ticket == NULL)
        return error_set(err, ERROR_FORBIDDEN, "only who has logged in with a password has a session");
    return grant(request, request->caller.user, request->ticket, ret, err);
}

const struct endpoint endpoint_get_session = {
    .method = METHOD_GET,
    .path = "/access/session",
    .text = "Shows who is logged in by a ticket, and renews it: the cookie is valid for two more hours.",
    .permission = ALLOW_ALL,
    .returns = {.type = SCHEMA_OBJECT, .properties = session_properties},
    .may_block = true,
    .no_tokens = true,
    .run = get_session,
};

static int delete_session(struct request *request, json_t **ret, struct error *err)
{
    (void)err;
    request->new_ticket = xstrdup("");
    *ret = json_null();
    return 0;
}

const struct endpoint endpoint_delete_session = {
    .method = METHOD_DELETE,
    .path = "/access/session",
    .text = "Logs a browser out: the cookie PVEAuthCookie is removed.",
    .permission = ALLOW_ALL,
    .returns = {.type = SCHEMA_NULL},
    .no_tokens = true,
    .run = delete_session,
};
