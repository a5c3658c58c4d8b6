/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The operations of the broker. */
#include "broker/operations.h"

#include <string.h>

#include "base/memory.h"
#include "schema/validate.h"

static const struct operation *const operations[] = {
#define OPERATION(name) &operation_##name,
#include "broker/operations.def"
#undef OPERATION
};

const struct operation *operation_find(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(operations); i++)
        if (strcmp(operations[i]->name, name) == 0)
            return operations[i];
    return NULL;
}

int operation_check(const struct operation *operation, json_t *arguments, struct error *err)
{
    autojson json_t *errors = NULL;

    if (validate_parameters(operation->arguments, arguments, &errors, err) != 0) {
        void *first = json_object_iter(errors);
        const char *name = json_object_iter_key(first);
        const char *text = json_string_value(json_object_iter_value(first));
        return error_set_field(err, name, "%s: %.*s", name, (int)strcspn(text, "\n"), text);
    }
    SCHEMA_FOREACH(row, operation->arguments) {
        if (row->fallback == NULL || json_object_get(arguments, row->name) != NULL)
            continue;
        /* a default is declared as a string, as a form would send it */
        autojson json_t *value = json_string(row->fallback);
        if (validate_value(row, row->name, &value, err) != 0)
            return -1;
        json_object_set(arguments, row->name, value);
    }
    return 0;
}
