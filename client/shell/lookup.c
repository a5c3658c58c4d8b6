/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looks up in the table of endpoints what a user can do with a path. */
#include "client/shell/lookup.h"

#include <string.h>

#include "base/memory.h"
#include "schema/path.h"
#include "schema/validate.h"

const struct endpoint *lookup_endpoint(const struct endpoint *const *table, size_t count, enum method method,
                                       const char *path)
{
    for (size_t i = 0; i < count; i++)
        if (table[i]->method == method && path_matches(table[i]->path, path))
            return table[i];
    return NULL;
}

void lookup_abilities(const struct endpoint *const *table, size_t count, const char *path,
                      char ret[static LOOKUP_ABILITIES_SIZE])
{
    static const struct {
        enum method method;
        char letter;
    } letters[] = {{METHOD_GET, 'r'}, {METHOD_PUT, 'w'}, {METHOD_POST, 'c'}, {METHOD_DELETE, 'd'}};

    memcpy(ret, "-----", LOOKUP_ABILITIES_SIZE);
    for (size_t i = 0; i < count; i++)
        if (path_remainder(table[i]->path, path) != NULL)
            ret[0] = 'D';
    for (size_t i = 0; i < COUNT_OF(letters); i++)
        if (lookup_endpoint(table, count, letters[i].method, path) != NULL)
            ret[i + 1] = letters[i].letter;
}

/* The declared property that a segment such as "{node}" names; NULL if there is none. */
static const char *captured_property(const struct schema *row, const char *segment)
{
    size_t length = strcspn(segment, "}");
    autofree char *name = length > 1 ? xstrndup(segment + 1, length - 1) : NULL;
    const struct schema *property = segment[0] == '{' ? schema_find(row->properties, name) : NULL;

    return property != NULL ? property->name : NULL;
}

const char *lookup_child_key(const struct endpoint *const *table, size_t count, const char *path)
{
    const struct endpoint *index = lookup_endpoint(table, count, METHOD_GET, path);
    const char *key = NULL;

    if (index != NULL && index->index_key != NULL)
        return index->index_key;
    if (index == NULL || index->returns.type != SCHEMA_ARRAY)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        const char *segment = path_remainder(table[i]->path, path);
        if (segment == NULL)
            continue;
        const char *property = captured_property(index->returns.items, segment);
        if (property != NULL)
            return property;
        key = "id";
    }
    return key;
}

json_t *lookup_children(const struct endpoint *const *table, size_t count, const char *path)
{
    autojson json_t *seen = json_object();
    json_t *children = json_array();

    for (size_t i = 0; i < count; i++) {
        const char *segment = path_remainder(table[i]->path, path);
        autofree char *name = segment != NULL ? xstrndup(segment, strcspn(segment, "/")) : NULL;
        if (name == NULL || json_object_get(seen, name) != NULL)
            continue;
        json_object_set_new(seen, name, json_true());
        json_array_append_new(children, json_pack("{s:s}", "name", name));
    }
    return children;
}
