/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as a JSON body: an object that is not nested too deep, and validation that says yes or no to it.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/memory.h"
#include "schema/validate.h"
#include "server/request/decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct schema declared[] = {
    {.name = "id", .type = SCHEMA_STRING, .format = "pve-configid", .optional = true},
    {.name = "count", .type = SCHEMA_INTEGER, .range = RANGE(0, 9), .optional = true},
    {.name = "share", .type = SCHEMA_NUMBER, .optional = true},
    {.name = "on", .type = SCHEMA_BOOLEAN, .optional = true},
    {.name = "list", .type = SCHEMA_STRING, .format = "pve-configid-list", .optional = true},
    {.name = "map",
     .type = SCHEMA_ARRAY,
     .max_items = 3,
     .optional = true,
     .items = ITEMS(.type = SCHEMA_STRING)},
    {.name = "net[n]", .type = SCHEMA_STRING, .count = 4, .optional = true},
    {.name = NULL},
};

static int depth_of(json_t *value)
{
    const char *name;
    json_t *item;
    size_t i;
    int deepest = 0;

    json_object_foreach(value, name, item)
        deepest = depth_of(item) > deepest ? depth_of(item) : deepest;
    json_array_foreach(value, i, item)
        deepest = depth_of(item) > deepest ? depth_of(item) : deepest;
    return deepest + (json_is_object(value) || json_is_array(value));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    autojson json_t *params = NULL, *errors = NULL;
    struct error err;

    if (decode_json((const char *)data, size, &params, &err) != 0)
        return 0;
    if (!json_is_object(params) || json_object_size(params) > DECODE_NAME_LIMIT)
        abort();
    if (depth_of(params) > DECODE_DEPTH_LIMIT)
        abort();
    if ((validate_parameters(declared, params, &errors, &err) != 0) != (json_object_size(errors) > 0))
        abort();
    return 0;
}
