/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Property strings: "node=n1,path=0000:01:00.0,id=10de:2231" and the like. */
#include "schema/property_string.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/text.h"
#include "schema/validate.h"

const char *property_string_boolean(const char *value)
{
    static const char *const words[][2] = {{"on", "1"},  {"yes", "1"}, {"true", "1"},
                                           {"off", "0"}, {"no", "0"},  {"false", "0"}};

    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (strcasecmp(value, words[i][0]) == 0)
            return words[i][1];
    return value;
}

/* `prefix` precedes the key in errors: "", or "hostpci0." */
static int add_value(const struct schema *key, const char *prefix, const char *value, json_t *values,
                     struct error *err)
{
    autojson json_t *json = json_string(key->type == SCHEMA_BOOLEAN ? property_string_boolean(value) : value);

    if (json == NULL)
        return error_set(err, ERROR_INVALID, "%s%s: value is not valid UTF-8", prefix, key->name);
    if (json_object_get(values, key->name) != NULL)
        return error_set(err, ERROR_INVALID, "duplicate key in comma-separated list property: %s", key->name);
    if (validate_value(key, key->name, &json, err) != 0)
        return error_prefix(err, "%s%s: ", prefix, key->name);
    json_object_set(values, key->name, json);
    return 0;
}

static int add_part(const struct schema *schema, const char *prefix, char *part, json_t *values,
                    struct error *err)
{
    char *equals = strchr(part, '=');

    if (equals == NULL) {
        if (schema->default_key == NULL)
            return error_set(err, ERROR_INVALID,
                             "value without key, but schema does not define a default key");
        return add_value(schema_find(schema->property_string, schema->default_key), prefix, part, values,
                         err);
    }
    *equals = '\0';
    const struct schema *key = schema_find(schema->property_string, part);
    if (key == NULL)
        return error_set(
            err, ERROR_INVALID,
            "%s%s: property is not defined in schema and the schema does not allow additional properties",
            prefix, part);
    if (key->key_alias != NULL &&
        add_value(schema_find(schema->property_string, key->key_alias), prefix, key->name, values, err) != 0)
        return -1;
    if (key->alias != NULL)
        key = schema_find(schema->property_string, key->alias);
    return add_value(key, prefix, equals + 1, values, err);
}

static int parse(const struct schema *schema, const char *prefix, const char *string, json_t **ret,
                 struct error *err)
{
    autofree char *copy = xstrdup(string);
    autojson json_t *values = json_object();
    char *rest = copy, *part;

    while ((part = strsep(&rest, ",")) != NULL)
        if (*part != '\0' && add_part(schema, prefix, part, values, err) != 0)
            return -1;
    SCHEMA_FOREACH(key, schema->property_string)
        if (!key->optional && json_object_get(values, key->name) == NULL)
            return error_set(err, ERROR_INVALID, "%s%s: property is missing and it is not optional", prefix,
                             key->name);
    *ret = TAKE(values);
    return 0;
}

int property_string_parse(const struct schema *schema, const char *string, json_t **ret, struct error *err)
{
    return parse(schema, "", string, ret, err);
}

int property_string_check(const struct schema *schema, const char *name, const char *string,
                          struct error *err)
{
    autofree char *prefix = xasprintf("%s.", name);
    autojson json_t *values = NULL;

    return parse(schema, prefix, string, &values, err);
}

static void print_value(struct text *text, const char *name, const json_t *value)
{
    if (text->length > 0)
        text_append(text, ",");
    if (name != NULL)
        text_printf(text, "%s=", name);
    if (json_is_string(value)) {
        text_append(text, json_string_value(value));
        return;
    }
    if (json_is_integer(value))
        text_printf(text, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else
        text_append_real(text, json_real_value(value));
}

enum print_group { PRINT_DEFAULT, PRINT_MANDATORY, PRINT_REST, PRINT_GROUPS };

static enum print_group group_of(const struct schema *schema, const struct schema *key)
{
    if (schema->default_key != NULL && strcmp(schema->default_key, key->name) == 0)
        return PRINT_DEFAULT;
    return key->optional ? PRINT_REST : PRINT_MANDATORY;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp((*(const struct schema *const *)a)->name, (*(const struct schema *const *)b)->name);
}

/* The key that stands for two values at once: `virtio=MAC` for model=virtio,macaddr=MAC. NULL if there is
 * none. */
static const struct schema *find_pair(const struct schema *schema, const json_t *values)
{
    SCHEMA_FOREACH(key, schema->property_string) {
        const char *name =
            key->key_alias != NULL ? json_string_value(json_object_get(values, key->key_alias)) : NULL;
        if (name != NULL && strcmp(name, key->name) == 0 && json_object_get(values, key->alias) != NULL)
            return key;
    }
    return NULL;
}

static bool is_in_pair(const struct schema *pair, const char *name)
{
    return pair != NULL && (strcmp(pair->alias, name) == 0 || strcmp(pair->key_alias, name) == 0);
}

char *property_string_print(const struct schema *schema, const json_t *values)
{
    const struct schema *keys[64];
    size_t count = 0;
    struct text text = {0};
    const struct schema *pair = find_pair(schema, values);

    if (pair != NULL)
        print_value(&text, pair->name, json_object_get(values, pair->alias));
    SCHEMA_FOREACH(key, schema->property_string)
        if (count < COUNT_OF(keys) && key->alias == NULL && !is_in_pair(pair, key->name))
            keys[count++] = key;
    qsort(keys, count, sizeof(keys[0]), compare_names);
    for (enum print_group group = PRINT_DEFAULT; group < PRINT_GROUPS; group++)
        for (size_t i = 0; i < count; i++) {
            const json_t *value = json_object_get(values, keys[i]->name);
            if (value != NULL && group_of(schema, keys[i]) == group)
                print_value(&text, group == PRINT_DEFAULT ? NULL : keys[i]->name, value);
        }
    return text_take(&text);
}
