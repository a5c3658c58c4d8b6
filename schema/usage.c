/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Help texts made from the declarations of endpoints, and the children of a path. */
#include "schema/usage.h"

#include <string.h>

#include "base/memory.h"
#include "schema/path.h"
#include "schema/validate.h"

static const char *const commands[METHOD_COUNT] = {"get", "create", "set", "delete"};

/* Prints a placeholder for a value: "<1|0>", "<a|b>", "<integer>". */
static void print_placeholder(const struct schema *schema, struct text *ret)
{
    text_append(ret, "<");
    if (schema->type == SCHEMA_BOOLEAN) {
        text_append(ret, "1|0");
    } else if (schema->values != NULL) {
        for (const char *const *value = schema->values; *value != NULL; value++)
            text_printf(ret, "%s%s", value != schema->values ? "|" : "", *value);
    } else if (schema->type == SCHEMA_ARRAY) {
        text_append(ret, schema_type_name(schema->items->type));
    } else {
        text_append(ret, schema->format != NULL ? schema->format : schema_type_name(schema->type));
    }
    text_append(ret, schema->type == SCHEMA_ARRAY ? ">..." : ">");
}

static void print_keys(const struct schema *schema, struct text *ret)
{
    SCHEMA_FOREACH(key, schema->property_string) {
        if (key->alias != NULL)
            continue;
        text_printf(ret, "        %s%s=", key->optional ? "[,]" : "", key->name);
        print_placeholder(key, ret);
        text_printf(ret, "  %s\n", key->text != NULL ? key->text : "");
    }
}

static void print_parameter(const struct schema *schema, struct text *ret)
{
    text_printf(ret, "    --%s ", schema->name);
    print_placeholder(schema, ret);
    text_append(ret, schema->optional ? "" : "  (required)");
    if (schema->fallback != NULL)
        text_printf(ret, "  (default: %s)", schema->fallback[0] != '\0' ? schema->fallback : "empty");
    text_append(ret, "\n");
    if (schema->text != NULL)
        text_printf(ret, "        %s\n", schema->text);
    print_keys(schema->items != NULL ? schema->items : schema, ret);
}

static void print_synopsis(const struct endpoint *endpoint, struct text *ret)
{
    text_printf(ret, "hostpci %s %s", commands[endpoint->method], endpoint->path);
    SCHEMA_FOREACH(p, endpoint->parameters) {
        if (path_captures(endpoint->path, p->name))
            continue;
        text_printf(ret, p->optional ? " [--%s " : " --%s ", p->name);
        print_placeholder(p, ret);
        text_append(ret, p->optional ? "]" : "");
    }
    text_append(ret, "\n");
}

static void print_reply(const struct schema *returns, struct text *ret)
{
    const struct schema *object = returns->type == SCHEMA_ARRAY ? returns->items : returns;

    text_printf(ret, "  Reply: %s%s\n", returns->type == SCHEMA_ARRAY ? "list of " : "",
                schema_type_name(object->type));
    SCHEMA_FOREACH(p, object->properties)
        text_printf(ret, "    %s%s (%s)%s%s\n", p->name, p->optional ? "?" : "", schema_type_name(p->type),
                    p->text != NULL ? "  " : "", p->text != NULL ? p->text : "");
}

bool usage_print(const struct endpoint *const *table, size_t count, const char *path, enum method method,
                 bool verbose, struct text *ret)
{
    bool found = false;

    for (size_t i = 0; i < count; i++) {
        if (!path_matches(table[i]->path, path) || (method != METHOD_COUNT && method != table[i]->method))
            continue;
        found = true;
        print_synopsis(table[i], ret);
        text_printf(ret, "  %s\n", table[i]->text);
        SCHEMA_FOREACH(p, table[i]->parameters)
            if (verbose || !path_captures(table[i]->path, p->name))
                print_parameter(p, ret);
        if (verbose)
            print_reply(&table[i]->returns, ret);
        text_append(ret, "\n");
    }
    return found;
}

json_t *usage_list_children(const struct endpoint *const *table, size_t count, const char *path,
                            const char *key)
{
    json_t *children = json_array();
    autojson json_t *seen = json_object();

    for (size_t i = 0; i < count; i++) {
        const char *below = path_remainder(table[i]->path, path);
        if (below == NULL || below[0] == '{')
            continue;
        autofree char *child = xstrndup(below, strcspn(below, "/"));
        if (json_object_get(seen, child) != NULL)
            continue;
        json_object_set_new(seen, child, json_true());
        json_array_append_new(children, json_pack("{s:s}", key, child));
    }
    return children;
}
