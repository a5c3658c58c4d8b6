/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /access/ticket: logging in. */
#include <string.h>

#include "access/login.h"
#include "access/report.h"
#include "api/endpoints.h"
#include "api/request.h"
#include "base/memory.h"
#include "schema/format.h"

static int get_ticket(struct request *request, json_t **ret, struct error *err)
{
    (void)request, (void)err;
    *ret = json_null();
    return 0;
}

const struct endpoint endpoint_get_ticket = {
    .method = METHOD_GET,
    .path = "/access/ticket",
    .text = "Does nothing. Clients call it to find out whether a server answers.",
    .permission = ALLOW_WORLD,
    .returns = {.type = SCHEMA_NULL},
    .run = get_ticket,
};

/* Username "joe" with realm "pve" is joe@pve, and so is username "joe@pve" without a realm. */
static int find_user(const struct request *request, struct identity *ret, struct error *err)
{
    const char *name = param_string(request, "username"), *realm = param_string(request, "realm");
    autofree char *user = xasprintf("%s%s%s", name, realm != NULL ? "@" : "", realm != NULL ? realm : "");

    if (strlen(user) >= sizeof(ret->user))
        return error_set(err, ERROR_LOGIN, "no such user");
    *ret = (struct identity){0};
    memcpy(ret->user, user, strlen(user));
    return 0;
}

static int check_privileges(struct request *request, const struct identity *who, struct error *err)
{
    const char *path = param_string(request, "path");
    autosplit char **names = format_split_list(param_string(request, "privs"));

    for (char **name = names; *name != NULL; name++)
        if (!access_allows(request->service->access, who, path, *name))
            return error_set(err, ERROR_LOGIN, "no %s on '%s'", *name, path);
    return 0;
}

/* Parameter `given` may only be sent together with `needed`. */
static int check_pair(const struct request *request, const char *given, const char *needed, struct error *err)
{
    if (!param_given(request, given) || param_given(request, needed))
        return 0;
    return error_set_field(err, needed, "missing property - '%s' requires this property", given);
}

static int create_ticket(struct request *request, json_t **ret, struct error *err)
{
    struct access *access = request->service->access;
    autojson json_t *reply = NULL;
    struct identity who;
    struct login login;
    json_t *privileges;

    if (check_pair(request, "path", "privs", err) != 0 || check_pair(request, "privs", "path", err) != 0 ||
        find_user(request, &who, err) != 0 ||
        login_prove(access, who.user, param_string(request, "password"), &login, err) != 0)
        return -1;
    if (!param_given(request, "path")) {
        if (login_grant(access, &login, &reply, err) != 0)
            return -1;
    } else {
        if (check_privileges(request, &who, err) != 0)
            return -1;
        reply = json_pack("{s:s}", "username", who.user);
    }
    if (report_interface_privileges(access, &who, &privileges, err) != 0)
        return -1;
    json_object_set_new(reply, "cap", privileges);
    *ret = TAKE(reply);
    return 0;
}

const struct endpoint endpoint_create_ticket = {
    .method = METHOD_POST,
    .path = "/access/ticket",
    .text = "Logs in. The reply has a ticket that is valid for two hours, to be sent as the cookie "
            "PVEAuthCookie, and a CSRF prevention token. A valid ticket is accepted as "
            "the password, until a number of days (--login-days) after the login with the password itself, "
            "or until "
            "the user gets another password, is disabled or deleted.",
    .permission = ALLOW_WORLD,
    .parameters = PROPERTIES(
        {.name = "username",
         .type = SCHEMA_STRING,
         .max_length = 64,
         .text = "NAME@REALM, or NAME together with realm."},
        {.name = "password",
         .type = SCHEMA_STRING,
         .text = "The password, or a valid ticket of the user or of root@pam."},
        {.name = "realm", .type = SCHEMA_STRING, .optional = true, .format = "pve-realm", .max_length = 32},
        {.name = "path",
         .type = SCHEMA_STRING,
         .optional = true,
         .max_length = 64,
         .text = "Do not make a ticket, but check that the user has `privs` on this path."},
        {.name = "privs",
         .type = SCHEMA_STRING,
         .optional = true,
         .format = "pve-priv-list",
         .max_length = 64,
         .text = "Privileges that the user must have on `path`, all of them."},
        {.name = "new-format",
         .type = SCHEMA_BOOLEAN,
         .optional = true,
         .fallback = "1",
         .text = "Ignored; accepted because clients send it."},
        {.name = "otp", .type = SCHEMA_STRING, .optional = true, .text = "Ignored."},
        {.name = "tfa-challenge", .type = SCHEMA_STRING, .optional = true, .text = "Ignored."}),
    .returns = {.type = SCHEMA_OBJECT,
                .properties =
                    PROPERTIES({.name = "username", .type = SCHEMA_STRING},
                               {.name = "ticket", .type = SCHEMA_STRING, .optional = true},
                               {.name = "CSRFPreventionToken",
                                .type = SCHEMA_STRING,
                                .optional = true,
                                .text = "To be sent in a header of this name with every request but GET."},
                               {.name = "cap",
                                .type = SCHEMA_OBJECT,
                                .open = true,
                                .text = "Privileges that the user has on any path, by part of the user "
                                        "interface: {PART: {PRIVILEGE: 1}}."})},
    .may_block = true,
    .no_tokens = true,
    .login = true,
    .run = create_ticket,
};
