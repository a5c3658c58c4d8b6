/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds the endpoint for a method and a path. */
#include "server/request/route.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "schema/path.h"

static bool is_same_value(const json_t *sent, const char *captured)
{
    autofree char *number = NULL;

    if (json_is_string(sent))
        return strcmp(json_string_value(sent), captured) == 0;
    number = json_is_integer(sent) ? json_dumps(sent, JSON_ENCODE_ANY) : NULL;
    return number != NULL && strcmp(number, captured) == 0;
}

static int capture(const struct routes *routes, const char *declared, struct decoded *decoded,
                   struct error *err)
{
    const char *given = decoded->path;
    struct path_capture capture;

    while (path_next_capture(&declared, &given, &capture)) {
        autofree char *name = xstrndup(capture.name, capture.name_length);
        autofree char *segment = xstrndup(capture.value, capture.value_length);
        const char *value =
            strcmp(name, "node") == 0 && strcmp(segment, "localhost") == 0 ? routes->node : segment;
        const json_t *sent = json_object_get(decoded->params, name);
        if (sent != NULL && !is_same_value(sent, value))
            return error_set_field(
                err, name,
                "duplicate parameter: it is part of the path, and was sent with a different value");
        json_object_set_new(decoded->params, name, json_string(value));
    }
    return 0;
}

/* For two declared paths that match the same path: where they first differ, one has a literal segment and the
 * other captures. */
static bool is_more_literal(const char *declared, const char *other)
{
    while (*declared != '\0' && *declared == *other) {
        declared++;
        other++;
    }
    return *other == '{';
}

int route_find(const struct routes *routes, struct decoded *decoded, const struct endpoint **ret,
               struct error *err)
{
    const struct endpoint *best = NULL;

    for (size_t i = 0; i < routes->count; i++) {
        const struct endpoint *endpoint = routes->table[i];
        if (endpoint->method != decoded->method || !path_matches(endpoint->path, decoded->path))
            continue;
        if (best == NULL || is_more_literal(endpoint->path, best->path))
            best = endpoint;
    }
    if (best == NULL)
        return error_set(err, ERROR_NO_METHOD, "Method '%s %.300s' not implemented",
                         method_names[decoded->method], decoded->path);
    if (capture(routes, best->path, decoded, err) != 0)
        return -1;
    *ret = best;
    return 0;
}

static bool has_method(const struct routes *routes, enum method method, const char *path)
{
    for (size_t i = 0; i < routes->count; i++)
        if (routes->table[i]->method == method && path_matches(routes->table[i]->path, path))
            return true;
    return false;
}

char *route_list_methods(const struct routes *routes, const char *path)
{
    struct text text = {0};

    for (enum method method = 0; method < METHOD_COUNT; method++)
        if (has_method(routes, method, path))
            text_printf(&text, "%s, ", method == METHOD_GET ? "GET, HEAD" : method_names[method]);
    if (text.length == 0)
        return NULL;
    text_append(&text, "OPTIONS");
    return text_take(&text);
}

int route_check_node(const struct routes *routes, const struct endpoint *endpoint, const json_t *params,
                     struct error *err)
{
    const char *node = json_string_value(json_object_get(params, "node"));

    if (!path_captures(endpoint->path, "node") || node == NULL || strcmp(node, routes->node) == 0)
        return 0;
    return error_set(err, ERROR_NO_HOST, "hostname lookup '%.100s' failed - no such node: this one is '%s'",
                     node, routes->node);
}
