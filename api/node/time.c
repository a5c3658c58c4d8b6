/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /nodes/{node}/time. */
#include <string.h>
#include <time.h>

#include "api/endpoints.h"
#include "api/request.h"

static int get_time(struct request *request, json_t **ret, struct error *err)
{
    time_t now = time(NULL);
    struct tm local;

    (void)request;
    if (localtime_r(&now, &local) == NULL)
        return error_set(err, ERROR_FAILED, "the host's clock, %lld, is not a valid calendar time",
                         (long long)now);
    *ret = json_pack("{s:I, s:I, s:s}", "time", (json_int_t)now, "localtime",
                     (json_int_t)(now + local.tm_gmtoff), "timezone", local.tm_zone);
    return 0;
}

const struct endpoint endpoint_get_node_time = {
    .method = METHOD_GET,
    .path = "/nodes/{node}/time",
    .text = "Shows the time of a node.",
    .permission = ALLOW_PRIVILEGE("/nodes/{node}", "Sys.Audit"),
    .parameters = PROPERTIES(PARAMETER_NODE),
    .returns = {.type = SCHEMA_OBJECT,
                .properties =
                    PROPERTIES({.name = "time", .type = SCHEMA_INTEGER, .text = "Seconds since 1970 (UTC)."},
                               {.name = "localtime",
                                .type = SCHEMA_INTEGER,
                                .text = "The same with the offset of the node's time zone added."},
                               {.name = "timezone", .type = SCHEMA_STRING})},
    .on_node = true,
    .run = get_time,
};
