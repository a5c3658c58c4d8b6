/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files that anybody may read: the page and the description of the API. */
#include "server/asset.h"

#include <pthread.h>
#include <string.h>

#include "api/request.h"
#include "base/hash.h"
#include "base/memory.h"
#include "schema/openapi.h"
#include "server/asset_web.h"

static char *print_json(const json_t *document)
{
    return json_dumps(document, JSON_COMPACT);
}

/* Bytes in the binary, or a way to print the OpenAPI document. */
static const struct source {
    const char *path;
    const char *type;
    const char *start, *end;
    char *(*print)(const json_t *document);
} sources[] = {
    {"/", "text/html;charset=UTF-8", web_index_html, web_index_html_end, NULL},
    {"/app.js", "text/javascript;charset=UTF-8", web_app_js, web_app_js_end, NULL},
    {"/style.css", "text/css;charset=UTF-8", web_style_css, web_style_css_end, NULL},
    {"/openapi.json", "application/json;charset=UTF-8", NULL, NULL, print_json},
    {"/openapi.yaml", "application/yaml;charset=UTF-8", NULL, NULL, openapi_to_yaml},
};

/* Filled at the first request for each, never changed after that. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct reply_file files[COUNT_OF(sources)];

static char *print_description(const struct source *source)
{
    autojson json_t *document = openapi_describe(endpoint_table, endpoint_count, VERSION);

    return source->print(document);
}

static void fill_file(const struct source *source, struct reply_file *ret)
{
    char hash[SHA1_HEX_SIZE];

    ret->type = source->type;
    ret->bytes = source->print != NULL ? print_description(source) : source->start;
    ret->length = source->print != NULL ? strlen(ret->bytes) : (size_t)(source->end - source->start);
    hash_sha1(ret->bytes, ret->length, hash);
    ret->tag = xasprintf("\"%s\"", hash);
}

static const struct reply_file *open_file(size_t index)
{
    pthread_mutex_lock(&lock);
    if (files[index].bytes == NULL)
        fill_file(&sources[index], &files[index]);
    pthread_mutex_unlock(&lock);
    return &files[index];
}

const struct reply_file *asset_find(const char *path, size_t length)
{
    for (size_t i = 0; i < COUNT_OF(sources); i++)
        if (strlen(sources[i].path) == length && memcmp(sources[i].path, path, length) == 0)
            return open_file(i);
    return NULL;
}

bool asset_serve(const char *method, const char *uri, const char *known_tags, struct reply *ret)
{
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
        return false;
    const struct reply_file *file = asset_find(uri, strcspn(uri, "?"));
    if (file == NULL)
        return false;
    reply_file(ret, file, known_tags);
    return true;
}
