/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From method and path to the endpoint. */
#include "server/request/route.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

/* Both are normalised: no segment is empty. */
static bool path_matches(const char *declared, const char *path)
{
    while (*declared != '\0' && *path != '\0') {
        if (*declared == '{') {
            while (*declared != '\0' && *declared != '/')
                declared++;
            while (*path != '\0' && *path != '/')
                path++;
        } else if (*declared++ != *path++) {
            return false;
        }
    }
    return *declared == *path;
}

static bool is_same_value(const json_t *sent, const char *captured)
{
    autofree char *number = NULL;

    if (json_is_string(sent))
        return strcmp(json_string_value(sent), captured) == 0;
    number = json_is_integer(sent) ? json_dumps(sent, JSON_ENCODE_ANY) : NULL;
    return number != NULL && strcmp(number, captured) == 0;
}

static int capture_one(const char *name, const char *value, json_t *params, struct error *err)
{
    const json_t *sent = json_object_get(params, name);

    if (sent != NULL && !is_same_value(sent, value))
        return error_set_field(
            err, name, "duplicate parameter: it is part of the path, and was sent with a different value");
    json_object_set_new(params, name, json_string(value));
    return 0;
}

static int capture(const struct routes *routes, const char *declared, struct decoded *decoded,
                   struct error *err)
{
    for (size_t i = 0; i < decoded->segment_count; i++) {
        const char *segment = declared + 1;
        size_t length = strcspn(segment, "/");
        declared = segment + length;
        if (segment[0] != '{')
            continue;
        autofree char *name = xstrndup(segment + 1, length - 2);
        const char *value = decoded->segments[i];
        if (strcmp(name, "node") == 0 && strcmp(value, "localhost") == 0)
            value = routes->node;
        if (capture_one(name, value, decoded->params, err) != 0)
            return -1;
    }
    return 0;
}

/* Of two paths that match: at the first difference one has a literal where the other captures. */
static bool is_more_literal(const char *declared, const char *other)
{
    while (*declared != '\0' && *declared == *other) {
        declared++;
        other++;
    }
    return *other == '{';
}

int router_find(const struct routes *routes, struct decoded *decoded, const struct endpoint **ret,
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

char *router_list_methods(const struct routes *routes, const char *path)
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

int router_check_node(const struct routes *routes, const struct endpoint *endpoint, const json_t *params,
                      struct error *err)
{
    const char *node = json_string_value(json_object_get(params, "node"));

    if (strstr(endpoint->path, "{node}") == NULL || node == NULL || strcmp(node, routes->node) == 0)
        return 0;
    return error_set(err, ERROR_NO_HOST, "hostname lookup '%.100s' failed - no such node: this one is '%s'",
                     node, routes->node);
}
