/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /access/permissions: the effective privileges of a user or a token. */
#include <string.h>

#include "access/report.h"
#include "access/token.h"
#include "api/endpoints.h"
#include "api/request.h"

static const struct permission allow_others = ALLOW_PRIVILEGE("/access", "Sys.Audit");

/* Whether `who` is the caller or, if the caller is a user, one of its tokens. */
static bool is_own(const struct identity *caller, const struct identity *who)
{
    return strcmp(caller->user, who->user) == 0 &&
           (caller->token[0] == '\0' || strcmp(caller->token, who->token) == 0);
}

/* Only a caller who may see users and tokens can find out whether this one exists. */
static int find_asked(struct request *request, const char *name, struct identity *ret, struct error *err)
{
    struct access *access = request->service->access;
    struct identity asked = {0};
    struct error missing;
    int found = report_find(access, name, &asked, &missing);

    if ((found != 0 || !is_own(&request->caller, &asked)) &&
        access_check(access, &request->caller, &allow_others, NULL, err) != 0)
        return -1;
    if (found != 0) {
        *err = missing;
        return -1;
    }
    *ret = asked;
    return 0;
}

static int get_permissions(struct request *request, json_t **ret, struct error *err)
{
    const char *name = param_string(request, "userid");
    struct identity who = request->caller;

    if (name != NULL && find_asked(request, name, &who, err) != 0)
        return -1;
    return report_permissions(request->service->access, &who, param_string(request, "path"), ret, err);
}

const struct endpoint endpoint_get_permissions = {
    .method = METHOD_GET,
    .path = "/access/permissions",
    .text = "Shows the effective privileges of the caller, or of another user or token: 1 for a privilege "
            "that the paths below inherit, 0 for one on this path only.",
    .permission = ALLOW_ALL,
    .parameters = PROPERTIES({.name = "userid",
                              .type = SCHEMA_STRING,
                              .optional = true,
                              .pattern = "[^\\s:/]+@[A-Za-z][A-Za-z0-9._-]+(?:!" TOKENID_PATTERN ")?",
                              .max_length = 256,
                              .text = "User or token to show instead of the caller. Anybody but the caller "
                                      "and its tokens needs Sys.Audit on /access."},
                             {.name = "path",
                              .type = SCHEMA_STRING,
                              .optional = true,
                              .max_length = 1023,
                              .text = "Show only the privileges on this path."}),
    .returns = {.type = SCHEMA_OBJECT, .open = true, .text = "{PATH: {PRIVILEGE: 1 or 0}}"},
    .may_block = true,
    .run = get_permissions,
};
