/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Our own replies against what their endpoint declares. The tests do this with every reply. */
#include "base/memory.h"
#include "schema/validate.h"

static bool has_type(const struct schema *schema, const json_t *value)
{
    switch (schema->type) {
    case SCHEMA_NULL:
        return json_is_null(value);
    case SCHEMA_STRING:
        return json_is_string(value);
    case SCHEMA_INTEGER:
        return json_is_integer(value);
    case SCHEMA_NUMBER:
        return json_is_number(value);
    case SCHEMA_BOOLEAN:
        return json_is_integer(value) && (json_integer_value(value) == 0 || json_integer_value(value) == 1);
    case SCHEMA_ARRAY:
        return json_is_array(value);
    case SCHEMA_OBJECT:
        return json_is_object(value);
    }
    return false;
}

static int check_object(const struct schema *schema, const json_t *value, struct error *err)
{
    const char *name;
    json_t *property;

    json_object_foreach((json_t *)value, name, property) {
        const struct schema *declared = schema_find(schema->properties, name);
        if (declared == NULL && !schema->open)
            return error_set(err, ERROR_FAILED, "%s: not declared", name);
        if (declared != NULL && validate_reply(declared, property, err) != 0)
            return error_prefix(err, "%s.", name);
    }
    SCHEMA_FOREACH(p, schema->properties)
        if (!p->optional && p->count == 0 && json_object_get(value, p->name) == NULL)
            return error_set(err, ERROR_FAILED, "%s: missing", p->name);
    return 0;
}

static int check_array(const struct schema *schema, const json_t *value, struct error *err)
{
    size_t i;
    json_t *item;

    json_array_foreach(value, i, item)
        if (validate_reply(schema->items, item, err) != 0)
            return error_prefix(err, "[%zu].", i);
    return 0;
}

int validate_reply(const struct schema *returns, const json_t *value, struct error *err)
{
    if ((returns->nullable && json_is_null(value)) || (returns->or_integer && json_is_integer(value)))
        return 0;
    if (!has_type(returns, value))
        return error_set(err, ERROR_FAILED, ": is not of type %s", schema_type_name(returns->type));
    if (returns->type == SCHEMA_OBJECT)
        return check_object(returns, value, err);
    if (returns->type == SCHEMA_ARRAY)
        return check_array(returns, value, err);
    autojson json_t *copy = json_deep_copy(value);
    return returns->type == SCHEMA_NULL
               ? 0
               : validate_value(returns, returns->name != NULL ? returns->name : "", &copy, err);
}
