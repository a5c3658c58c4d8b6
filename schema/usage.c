/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The text of `hostpci usage` and the children of a path. */
#include "schema/usage.h"

#include <string.h>

#include "base/memory.h"
#include "schema/validate.h"

static const char *const verbs[METHOD_COUNT] = {"get", "create", "set", "delete"};

bool usage_path_matches(const char *declared, const char *given)
{
    for (;;) {
        declared += strspn(declared, "/");
        given += strspn(given, "/");
        size_t want = strcspn(declared, "/"), have = strcspn(given, "/");
        if (want == 0 || have == 0)
            return want == have;
        if (declared[0] != '{' && (want != have || memcmp(declared, given, want) != 0))
            return false;
        declared += want;
        given += have;
    }
}

static bool is_captured(const struct endpoint *endpoint, const char *name)
{
    autofree char *capture = xasprintf("{%s}", name);

    return strstr(endpoint->path, capture) != NULL;
}

/* What stands for the value: "<1|0>", "<a|b>", "<integer>". */
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
    text_printf(ret, "hostpci %s %s", verbs[endpoint->method], endpoint->path);
    SCHEMA_FOREACH(p, endpoint->parameters) {
        if (is_captured(endpoint, p->name))
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
        if (!usage_path_matches(table[i]->path, path) ||
            (method != METHOD_COUNT && method != table[i]->method))
            continue;
        found = true;
        print_synopsis(table[i], ret);
        text_printf(ret, "  %s\n", table[i]->text);
        SCHEMA_FOREACH(p, table[i]->parameters)
            if (verbose || !is_captured(table[i], p->name))
                print_parameter(p, ret);
        if (verbose)
            print_reply(&table[i]->returns, ret);
        text_append(ret, "\n");
    }
    return found;
}

/* The next segment of `path` below `parent`, NULL if it is not below it. */
static char *child_of(const char *parent, const char *path)
{
    size_t length = strcmp(parent, "/") == 0 ? 0 : strlen(parent);

    if (strncmp(parent, path, length) != 0 || path[length] != '/' || path[length + 1] == '\0')
        return NULL;
    return xstrndup(path + length + 1, strcspn(path + length + 1, "/"));
}

json_t *usage_list_children(const struct endpoint *const *table, size_t count, const char *path,
                            const char *key)
{
    json_t *children = json_array();
    autojson json_t *seen = json_object();

    for (size_t i = 0; i < count; i++) {
        autofree char *child = child_of(path, table[i]->path);
        if (child == NULL || child[0] == '{' || json_object_get(seen, child) != NULL)
            continue;
        json_object_set_new(seen, child, json_true());
        json_array_append_new(children, json_pack("{s:s}", key, child));
    }
    return children;
}
