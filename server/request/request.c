/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Decodes a request: path, query and body become path segments and one JSON object. */
#include "server/request/request.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "server/request/decode.h"

static bool is_media_type(const char *content_type, const char *wanted)
{
    size_t length = strcspn(content_type, "; \t");

    return length == strlen(wanted) && strncasecmp(content_type, wanted, length) == 0;
}

static int decode_body(const struct decoded *decoded, const char *content_type, const char *body,
                       size_t length, json_t **ret, struct error *err)
{
    if (length == 0) {
        *ret = json_object();
        return 0;
    }
    if (decoded->method == METHOD_GET || decoded->method == METHOD_DELETE)
        return error_set(err, ERROR_NO_METHOD,
                         "Unexpected content for method '%s': send parameters in the query string",
                         method_names[decoded->method]);
    if (length > REQUEST_BODY_LIMIT)
        return error_set(err, ERROR_TOO_LARGE, "for data too large");
    if (content_type != NULL && is_media_type(content_type, "application/json"))
        return decode_json(body, length, ret, err);
    if (content_type != NULL && !is_media_type(content_type, "application/x-www-form-urlencoded"))
        return error_set(err, ERROR_MEDIA_TYPE,
                         "Content-Type '%.100s' is not supported: send application/json or "
                         "application/x-www-form-urlencoded",
                         content_type);
    autojson json_t *params = json_object();
    if (decode_form(body, length, params, err) != 0)
        return -1;
    *ret = TAKE(params);
    return 0;
}

/* Cuts the path at slashes, drops empty segments, and writes the normalised path. */
static int split_path(struct decoded *decoded, const char *text, struct error *err)
{
    char *in = decoded->split = xstrdup(text);
    char *out = decoded->path = xcalloc(strlen(text) + 2, 1);

    for (char *segment; (segment = strsep(&in, "/")) != NULL;) {
        if (*segment == '\0')
            continue;
        if (strcmp(segment, ".") == 0 || strcmp(segment, "..") == 0)
            return error_set(err, ERROR_UNREADABLE, "a path must not hold '%s' as a segment", segment);
        if (decoded->segment_count == REQUEST_SEGMENT_LIMIT)
            return error_set(err, ERROR_NO_METHOD, "the path has more than %d segments",
                             REQUEST_SEGMENT_LIMIT);
        decoded->segments[decoded->segment_count++] = segment;
        *out++ = '/';
        out = stpcpy(out, segment);
    }
    if (decoded->segment_count == 0)
        *out = '/';
    return 0;
}

static const char *const format_names[] = {[FORMAT_JSON] = "json", [FORMAT_EXTJS] = "extjs"};

static int find_format(const char *name, enum format *ret, struct error *err)
{
    for (size_t i = 0; i < COUNT_OF(format_names); i++) {
        if (strcmp(name, format_names[i]) == 0) {
            *ret = (enum format)i;
            return 0;
        }
    }
    return error_set(err, ERROR_NO_METHOD,
                     "format '%.60s' is not available: ask below /api2/json or /api2/extjs", name);
}

/* Programs that read metrics expect them there. */
static bool is_metrics(const struct decoded *decoded)
{
    return decoded->segment_count == 1 && strcmp(decoded->segments[0], "metrics") == 0;
}

static int drop_prefix(struct decoded *decoded, struct error *err)
{
    const size_t prefix = 2;

    if (is_metrics(decoded))
        return 0;
    if (decoded->segment_count == 0 || strcmp(decoded->segments[0], "api2") != 0)
        return error_set(err, ERROR_NO_METHOD,
                         "Method '%s %.200s' not implemented: the API is below /api2/json",
                         method_names[decoded->method], decoded->path);
    if (find_format(decoded->segment_count < prefix ? "" : decoded->segments[1], &decoded->format, err) != 0)
        return -1;
    decoded->segment_count -= prefix;
    memmove(decoded->segments, decoded->segments + prefix,
            decoded->segment_count * sizeof(decoded->segments[0]));
    char *rest = decoded->path + strlen("/api2/") + strlen(format_names[decoded->format]);
    memmove(decoded->path, *rest != '\0' ? rest : "/", *rest != '\0' ? strlen(rest) + 1 : sizeof("/"));
    return 0;
}

static int find_method(const char *name, enum method *ret)
{
    enum method method = strcmp(name, "HEAD") == 0 ? METHOD_GET : method_find(name);

    if (method == METHOD_COUNT)
        return -1;
    *ret = method;
    return 0;
}

static int decode_path(struct decoded *decoded, const char *uri, size_t length, struct error *err)
{
    autojson json_t *path = NULL;

    if (decode_text(uri, length, false, "the path", &path, err) != 0 ||
        split_path(decoded, json_string_value(path), err) != 0)
        return -1;
    return drop_prefix(decoded, err);
}

static int decode_all(const char *uri, const char *content_type, const char *body, size_t length,
                      struct decoded *decoded, struct error *err)
{
    size_t path_length = strcspn(uri, "?");

    if (decode_path(decoded, uri, path_length, err) != 0 ||
        decode_body(decoded, content_type, body, length, &decoded->params, err) != 0)
        return -1;
    if (uri[path_length] == '\0')
        return 0;
    autojson json_t *query = json_object();
    const char *start = uri + path_length + 1;
    if (decode_form(start, strlen(start), query, err) != 0)
        return -1;
    json_object_update(decoded->params, query);
    return 0;
}

int request_decode(const char *method, const char *uri, const char *content_type, const char *body,
                   size_t length, struct decoded *ret, struct error *err)
{
    struct decoded decoded = {0};

    if (find_method(method, &decoded.method) != 0)
        return error_set(err, ERROR_NO_METHOD, "Method '%.20s %.200s' not implemented", method, uri);
    if (decode_all(uri, content_type, body, length, &decoded, err) != 0) {
        decoded_release(&decoded);
        return -1;
    }
    *ret = decoded;
    return 0;
}

enum format request_format(const char *uri)
{
    struct decoded decoded = {0};
    struct error ignored;

    enum format format =
        decode_path(&decoded, uri, strcspn(uri, "?"), &ignored) == 0 ? decoded.format : FORMAT_JSON;
    decoded_release(&decoded);
    return format;
}

void decoded_release(struct decoded *decoded)
{
    free(decoded->path);
    free(decoded->split);
    json_decref(decoded->params);
    *decoded = (struct decoded){0};
}
