/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /access/permissions: what somebody may do, after all rules. */
#include <string.h>

#include "access/report.h"
#include "access/token.h"
#include "api/endpoints.h"
#include "api/request.h"

static const struct permission allow_others = ALLOW_PRIVILEGE("/access", "Sys.Audit");

/* Oneself, or a token of one's own. */
static bool is_own(const struct identity *caller, const struct identity *who)
{
    return strcmp(caller->user, who->user) == 0 &&
           (caller->token[0] == '\0' || strcmp(caller->token, who->token) == 0);
}

/* Whether there is such a one, only those are told who may see it. */
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
    .text = "What the caller, or another one, may do: 1 for a privilege that is inherited, 0 for one that is "
            "held on this path only.",
    .permission = ALLOW_ALL,
    .parameters = PROPERTIES(
        {.name = "userid",
         .type = SCHEMA_STRING,
         .optional = true,
         .pattern = "[^\\s:/]+@[A-Za-z][A-Za-z0-9._-]+(?:!" TOKENID_PATTERN ")?",
         .max_length = 256,
         .text = "Of whom; others than oneself and one's tokens need Sys.Audit on /access."},
        {.name = "path", .type = SCHEMA_STRING, .optional = true, .max_length = 1023, .text = "Only there."}),
    .returns = {.type = SCHEMA_OBJECT, .open = true, .text = "{PATH: {PRIVILEGE: 1 or 0}}"},
    .run = get_permissions,
};
