/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks the table of endpoints when the daemon starts, to find mistakes in the declarations. */
#include <string.h>

#include "base/memory.h"
#include "schema/format.h"
#include "schema/path.h"
#include "schema/validate.h"

static int check_schema(const struct schema *schema, bool reply, struct error *err);

/* Checks a key of a property string. A key that it is an alias of must not be an alias itself. */
static int check_key(const struct schema *keys, const struct schema *key, struct error *err)
{
    const char *const others[] = {key->alias, key->key_alias};

    if (key->key_alias != NULL && key->alias == NULL)
        return error_set(err, ERROR_FAILED, "a key_alias without an alias");
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        const struct schema *other = others[i] != NULL ? schema_find(keys, others[i]) : NULL;
        if (others[i] != NULL && (other == NULL || other->alias != NULL))
            return error_set(err, ERROR_FAILED, "alias of '%s', which is no key", others[i]);
    }
    return check_schema(key, false, err);
}

/* Checks the declaration of a value: formats must be known, patterns must compile, and nothing may be
 * missing. */
static int check_schema(const struct schema *schema, bool reply, struct error *err)
{
    if (schema->format != NULL && !format_is_known(schema->format))
        return error_set(err, ERROR_FAILED, "unknown format '%s'", schema->format);
    if (schema->pattern != NULL)
        format_matches_pattern(schema->pattern, "", 0); /* aborts if it does not compile */
    if (schema->type == SCHEMA_ARRAY && schema->items == NULL)
        return error_set(err, ERROR_FAILED, "an array without items");
    if (reply && schema->type == SCHEMA_OBJECT && schema->properties == NULL && !schema->open)
        return error_set(err, ERROR_FAILED, "an object without properties");
    SCHEMA_FOREACH(key, schema->property_string)
        if (check_key(schema->property_string, key, err) != 0)
            return error_prefix(err, "%s: ", key->name);
    if (schema->default_key != NULL && schema_find(schema->property_string, schema->default_key) == NULL)
        return error_set(err, ERROR_FAILED, "no key '%s' for a bare value", schema->default_key);
    if (schema->items != NULL && check_schema(schema->items, reply, err) != 0)
        return -1;
    SCHEMA_FOREACH(p, schema->properties)
        if (check_schema(p, reply, err) != 0)
            return error_prefix(err, "%s: ", p->name);
    return 0;
}

/* Each {name} in the path must be a mandatory parameter. */
static int check_captures(const struct endpoint *endpoint, struct error *err)
{
    const char *declared = endpoint->path, *same = endpoint->path;
    struct path_capture capture;

    while (path_next_capture(&declared, &same, &capture)) {
        autofree char *name = xstrndup(capture.name, capture.name_length);
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
    if (endpoint->download != NULL && endpoint->version != NULL)
        return error_set(err, ERROR_FAILED, "a file is never cached");
    SCHEMA_FOREACH(p, endpoint->parameters)
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
