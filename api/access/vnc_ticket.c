/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /access/vncticket: whether a console's ticket is good. */
#include <string.h>

#include "access/vnc_ticket.h"
#include "api/endpoints.h"
#include "api/request.h"
#include "base/memory.h"
#include "schema/format.h"

static bool find_identity(const char *name, struct identity *ret)
{
    size_t length = strcspn(name, "!");

    if (length == 0 || length >= sizeof(ret->user) || strlen(name) >= sizeof(ret->token))
        return false;
    *ret = (struct identity){0};
    memcpy(ret->user, name, length);
    if (name[length] != '\0')
        memcpy(ret->token, name, strlen(name));
    return true;
}

static int check_ticket(struct request *request, json_t **ret, struct error *err)
{
    struct access *access = request->service->access;
    const char *name = param_string(request, "authid"), *path = param_string(request, "path");
    autosplit char **privileges = format_split_list(param_string(request, "privs"));
    struct identity who;
    bool good = find_identity(name, &who) && vnc_ticket_check(access, param_string(request, "vncticket"),
                                                              name, path, param_integer(request, "port"));

    for (char **privilege = privileges; good && *privilege != NULL; privilege++)
        good = access_allows(access, &who, path, *privilege);
    if (!good)
        return error_set(err, ERROR_LOGIN, "no such console ticket of '%s'", name);
    *ret = json_null();
    return 0;
}

const struct endpoint endpoint_check_vnc_ticket = {
    .method = METHOD_POST,
    .path = "/access/vncticket",
    .text = "Finds out whether a console's ticket is good, and does not use it up.",
    .permission = ALLOW_WORLD,
    .parameters = PROPERTIES(
        {.name = "authid", .type = SCHEMA_STRING, .max_length = 64, .text = "Who got it."},
        {.name = "path", .type = SCHEMA_STRING, .max_length = 64, .text = "What it is for: /vms/100."},
        {.name = "port", .type = SCHEMA_INTEGER, .optional = true, .text = "The number that came with it."},
        {.name = "privs",
         .type = SCHEMA_STRING,
         .format = "pve-priv-list",
         .max_length = 64,
         .text = "Privileges that he must have on `path`, all of them."},
        {.name = "vncticket", .type = SCHEMA_STRING, .max_length = 512, .text = "The ticket."}),
    .returns = {.type = SCHEMA_NULL},
    .may_block = true,
    .login = true,
    .run = check_ticket,
};
