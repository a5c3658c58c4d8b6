/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The findings of checks in a reply. */
#include "api/checks.h"

#include <string.h>

#include "api/endpoints.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "hardware/check/remedy.h"

void checks_name_node(json_t *reply, const char *node)
{
    json_t *check;
    size_t i;

    json_array_foreach(json_object_get(reply, "checks"), i, check) {
        json_t *action = json_object_get(check, "action");
        const char *path = json_text(action, "path");
        if (text_starts_with(path, REMEDY_NODE "/"))
            json_object_set_new(action, "path",
                                json_sprintf("/nodes/%s%s", node, path + strlen(REMEDY_NODE)));
    }
}

static const struct schema action_properties[] = {
    {.name = "method", .type = SCHEMA_STRING, .values = VALUES("GET", "POST", "PUT", "DELETE")},
    {.name = "path", .type = SCHEMA_STRING, .text = "Below /api2/json."},
    {.name = "parameters", .type = SCHEMA_OBJECT, .open = true, .text = "The parameters to send."},
    {.name = NULL},
};

const struct schema check_properties[] = {
    {.name = "id",
     .type = SCHEMA_STRING,
     .text = "Name of the check, which stays the same; docs/checks.md lists them."},
    {.name = "severity",
     .type = SCHEMA_STRING,
     .values = VALUES("ok", "info", "warning", "error"),
     .text = "error: must be resolved first; warning: something may fail or cause harm."},
    {.name = "message", .type = SCHEMA_STRING, .text = "What was found."},
    OPTIONAL_TEXT("evidence", "The file that was read and what it held."),
    OPTIONAL_TEXT("remedy", "What to type, one command per line."),
    {.name = "action",
     .type = SCHEMA_OBJECT,
     .optional = true,
     .properties = action_properties,
     .text = "The call of this API that does what the remedy says, or its first step; `hostpci fix` makes "
             "it. Left out if there is none."},
    {.name = NULL},
};
