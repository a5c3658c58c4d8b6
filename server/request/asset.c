/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files that anybody may read: the page, and the description of the API. */
#include "server/request/asset.h"

#include <pthread.h>
#include <string.h>
#include <sys/stat.h>

#include "api/request.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "schema/openapi.h"
#include "server/request/asset_web.h"

#define HTML   "text/html;charset=UTF-8"
#define SCRIPT "text/javascript;charset=UTF-8"
#define CSS    "text/css;charset=UTF-8"

static char *print_json(const json_t *document)
{
    return json_dumps(document, JSON_COMPACT);
}

/* A file is bytes in the binary, or the OpenAPI document as a function prints it. */
static const struct source {
    const char *path;
    const char *type;
    const char *start, *end;
    char *(*print)(const json_t *document);
} sources[] = {
#define WEB_FILE(name, path, file, type) {path, type, web_##name, web_##name##_end, NULL},
#include "server/request/asset_web.def"
    {"/openapi.json", "application/json;charset=UTF-8", NULL, NULL, print_json},
    {"/openapi.yaml", "application/yaml;charset=UTF-8", NULL, NULL, openapi_to_yaml},
};

/* Guards making the OpenAPI documents: each is made at the first request, and never changes after that. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct reply_file files[COUNT_OF(sources)];

static char *print_description(const struct source *source)
{
    autojson json_t *document = openapi_describe(endpoint_table, endpoint_count, VERSION);

    return source->print(document);
}

static struct reply_body *make_body(const struct source *source)
{
    if (source->print == NULL)
        return reply_body_borrow(source->start, (size_t)(source->end - source->start));
    char *text = print_description(source);
    return reply_body_new(text, strlen(text));
}

static const struct reply_file *open_file(size_t index)
{
    pthread_mutex_lock(&lock);
    if (files[index].body == NULL)
        files[index] = (struct reply_file){make_body(&sources[index]), sources[index].type};
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

/* The modules of noVNC, which a console needs: as Debian's package has them. */
#define NOVNC        "/novnc/"
#define NOVNC_FOLDER "/usr/share/novnc/"
#define NOVNC_LIMIT  ((size_t)2 << 20)

static bool is_module(const char *path)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./";
    size_t length = strlen(path);

    return length < 128 && strspn(path, letters) == length && strstr(path, "..") == NULL &&
           length > strlen(".js") && strcmp(path + length - strlen(".js"), ".js") == 0;
}

#define MODULES 128 /* the package has some 60 */

/* Guarded by lock. Strangers may ask for a module as often as they like, and all get the same bytes. */
static struct module {
    char *file;
    struct timespec changed;
    struct reply_body *body;
} modules[MODULES];

static bool update_module(struct module *module, const char *file, struct timespec changed)
{
    char *text = NULL;
    size_t length;
    struct error err;

    if (module->file != NULL && module->changed.tv_sec == changed.tv_sec &&
        module->changed.tv_nsec == changed.tv_nsec)
        return true;
    if (file_read(file, NOVNC_LIMIT, &text, &length, &err) != 0)
        return false;
    if (module->file == NULL)
        module->file = xstrdup(file);
    reply_body_release(module->body);
    module->body = reply_body_new(text, length);
    module->changed = changed;
    return true;
}

/* NULL: there is no such file. */
static struct reply_body *open_module(const char *file)
{
    struct reply_body *body = NULL;
    struct stat status;
    size_t i = 0;

    if (stat(file, &status) != 0)
        return NULL;
    pthread_mutex_lock(&lock);
    while (i < MODULES && modules[i].file != NULL && strcmp(modules[i].file, file) != 0)
        i++;
    if (i < MODULES && update_module(&modules[i], file, status.st_mtim))
        body = reply_body_share(modules[i].body);
    pthread_mutex_unlock(&lock);
    return body;
}

static bool serve_novnc(const char *uri, struct reply *ret)
{
    autofree char *path = NULL, *file = NULL;

    if (!text_starts_with(uri, NOVNC))
        return false;
    path = xstrndup(uri + strlen(NOVNC), strcspn(uri + strlen(NOVNC), "?"));
    file = xasprintf(NOVNC_FOLDER "%s", path);
    struct reply_body *body = is_module(path) ? open_module(file) : NULL;
    if (body == NULL)
        return false;
    const struct reply_file module = {body, SCRIPT};
    reply_file(ret, &module);
    reply_body_release(body);
    return true;
}

bool asset_serve(const char *method, const char *uri, const char *known_tags, struct reply *ret)
{
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
        return false;
    const struct reply_file *file = asset_find(uri, strcspn(uri, "?"));
    if (file != NULL)
        reply_file(ret, file);
    else if (!serve_novnc(uri, ret))
        return false;
    reply_tag(ret, known_tags);
    return true;
}
