/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks on ourselves: replies against what their endpoint declares, and the table of endpoints. */
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "schema/format.h"
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
    for (const struct schema *p = schema->properties; p != NULL && p->name != NULL; p++)
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
    if (returns->nullable && json_is_null(value))
        return 0;
    if (!has_type(returns, value))
        return error_set(err, ERROR_FAILED, ": is not of type %s", schema_type_name(returns->type));
    if (returns->type == SCHEMA_OBJECT)
        return check_object(returns, value, err);
    if (returns->type == SCHEMA_ARRAY)
        return check_array(returns, value, err);
    autojson json_t *copy = json_deep_copy(value);
    return returns->type == SCHEMA_NULL ? 0 : validate_value(returns, &copy, err);
}

/* Declarations of values: formats known, patterns that compile, shapes complete. */
static int check_schema(const struct schema *schema, bool reply, struct error *err)
{
    if (schema->format != NULL && !format_is_known(schema->format))
        return error_set(err, ERROR_FAILED, "unknown format '%s'", schema->format);
    if (schema->pattern != NULL)
        format_matches_pattern(schema->pattern, "", 0); /* compiles or aborts */
    if (schema->type == SCHEMA_ARRAY && schema->items == NULL)
        return error_set(err, ERROR_FAILED, "an array without items");
    if (reply && schema->type == SCHEMA_OBJECT && schema->properties == NULL && !schema->open)
        return error_set(err, ERROR_FAILED, "an object without properties");
    if (schema->items != NULL && check_schema(schema->items, reply, err) != 0)
        return -1;
    for (const struct schema *p = schema->properties; p != NULL && p->name != NULL; p++)
        if (check_schema(p, reply, err) != 0)
            return error_prefix(err, "%s: ", p->name);
    return 0;
}

/* Each {name} in the path is a mandatory parameter. */
static int check_captures(const struct endpoint *endpoint, struct error *err)
{
    for (const char *open = strchr(endpoint->path, '{'); open != NULL; open = strchr(open + 1, '{')) {
        autofree char *name = xstrndup(open + 1, strcspn(open + 1, "}"));
        const struct schema *schema = schema_find(endpoint->parameters, name);
        if (schema == NULL || schema->optional)
            return error_set(err, ERROR_FAILED, "{%s} is not declared as a mandatory parameter", name);
    }
    return 0;
}

static int check_endpoint(const struct endpoint *endpoint, struct error *err)
{
    if (endpoint->path == NULL || endpoint->path[0] != '/')
        return error_set(err, ERROR_FAILED, "no path");
    if (endpoint->text == NULL)
        return error_set(err, ERROR_FAILED, "no text");
    if ((endpoint->run == NULL) == (endpoint->index_key == NULL))
        return error_set(err, ERROR_FAILED, "needs either run or index_key");
    if (check_captures(endpoint, err) != 0)
        return -1;
    for (const struct schema *p = endpoint->parameters; p != NULL && p->name != NULL; p++)
        if (check_schema(p, false, err) != 0)
            return error_prefix(err, "%s: ", p->name);
    return check_schema(&endpoint->returns, true, err);
}

int validate_table(const struct endpoint *const *table, size_t count, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (check_endpoint(table[i], err) != 0)
            return error_prefix(err, "endpoint %s %s: ", method_names[table[i]->method], table[i]->path);
        for (size_t j = 0; j < i; j++)
            if (table[i]->method == table[j]->method && strcmp(table[i]->path, table[j]->path) == 0)
                return error_set(err, ERROR_FAILED, "endpoint %s %s: declared twice",
                                 method_names[table[i]->method], table[i]->path);
    }
    return 0;
}
