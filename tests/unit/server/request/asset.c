/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files outside /api2: which there are, and that they are whole. */
#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

#include "api/request.h"
#include "base/file.h"
#include "base/memory.h"
#include "schema/openapi.h"
#include "server/request/asset.h"

static const struct reply_file *find(const char *path)
{
    return asset_find(path, strlen(path));
}

static unsigned status_of(const char *method, const char *uri, const char *known_tags)
{
    struct reply reply = {0};

    if (!asset_serve(method, uri, known_tags, &reply))
        return 0;
    unsigned status = reply.status;
    reply_release(&reply);
    return status;
}

Test(asset, the_page_is_what_the_sources_hold)
{
    static const char *const page[][3] = {
        {"/", "web/index.html", "text/html;charset=UTF-8"},
        {"/reference.html", "web/reference.html", "text/html;charset=UTF-8"},
        {"/reference.js", "web/reference.js", "text/javascript;charset=UTF-8"},
        {"/style.css", "web/style.css", "text/css;charset=UTF-8"},
    };

    for (size_t i = 0; i < COUNT_OF(page); i++) {
        const struct reply_file *file = find(page[i][0]);
        autofree char *source = NULL;
        size_t length;
        struct error err;

        cr_assert_not_null(file, "%s", page[i][0]);
        cr_assert_eq(file_read(page[i][1], 1 << 20, &source, &length, &err), 0, "%s", err.message);
        cr_assert_eq(reply_body_length(file->body), length, "%s", page[i][0]);
        cr_assert_eq(memcmp(reply_body_bytes(file->body), source, length), 0, "%s", page[i][0]);
        cr_assert_str_eq(file->type, page[i][2]);
    }
}

Test(asset, the_description_is_made_from_the_declarations)
{
    autojson json_t *expected = openapi_describe(endpoint_table, endpoint_count, VERSION);
    const struct reply_file *file = find("/openapi.json");
    autojson json_t *served =
        json_loadb(reply_body_bytes(file->body), reply_body_length(file->body), JSON_REJECT_DUPLICATES, NULL);
    autofree char *yaml = openapi_to_yaml(expected);

    cr_assert(json_equal(served, expected));
    cr_assert_str_eq(file->type, "application/json;charset=UTF-8");
    file = find("/openapi.yaml");
    cr_assert_eq(reply_body_length(file->body), strlen(yaml));
    cr_assert_eq(memcmp(reply_body_bytes(file->body), yaml, reply_body_length(file->body)), 0);
    cr_assert_str_eq(file->type, "application/yaml;charset=UTF-8");
}

Test(asset, a_file_is_made_once)
{
    cr_assert_eq(find("/openapi.yaml")->body, find("/openapi.yaml")->body);
    cr_assert_str_neq(reply_body_tag(find("/openapi.yaml")->body),
                      reply_body_tag(find("/openapi.json")->body));
}

Test(asset, get_and_head_are_answered_whatever_the_query)
{
    cr_assert_eq(status_of("GET", "/", NULL), 200);
    cr_assert_eq(status_of("HEAD", "/openapi.yaml", NULL), 200);
    cr_assert_eq(status_of("GET", "/reference.js?v=1", NULL), 200);
}

Test(asset, who_has_the_file_already_is_told_so)
{
    const char *tag = reply_body_tag(find("/reference.js")->body);
    autofree char *several = xasprintf("\"other\", %s", tag);

    cr_assert_eq(status_of("GET", "/reference.js", tag), 304);
    cr_assert_eq(status_of("GET", "/reference.js", several), 304);
    cr_assert_eq(status_of("GET", "/reference.js", "\"other\""), 200);
    cr_assert_eq(status_of("GET", "/style.css", tag), 200);
}

Test(asset, of_novnc_only_modules_are_served)
{
    static const char *const others[] = {
        "/novnc/",    "/novnc/vnc.html",      "/novnc/../../../etc/passwd", "/novnc/core/../../x.js",
        "/novnc/.js", "/novnc/core/%72fb.js", "/novnc/core/no-such.js",     "/novnc/core/rfb.js/"};

    for (size_t i = 0; i < COUNT_OF(others); i++)
        cr_assert_eq(status_of("GET", others[i], NULL), 0, "'%s'", others[i]);
    unsigned expected = access("/usr/share/novnc/core/rfb.js", R_OK) == 0 ? 200 : 0;
    cr_assert_eq(status_of("GET", "/novnc/core/rfb.js?v=1", NULL), expected);
}

Test(asset, everything_else_is_left_to_the_api)
{
    static const char *const others[] = {"",
                                         "/api2/json",
                                         "/api2/json/",
                                         "/index.html",
                                         "//",
                                         "/reference.js/",
                                         "/../web/reference.js",
                                         "/%72eference.js",
                                         "reference.js",
                                         "/app",
                                         "?",
                                         "/openapi.yaml%00",
                                         "/REFERENCE.JS"};

    for (size_t i = 0; i < COUNT_OF(others); i++)
        cr_assert_eq(status_of("GET", others[i], NULL), 0, "'%s'", others[i]);
    cr_assert_eq(status_of("POST", "/", NULL), 0);
    cr_assert_eq(status_of("DELETE", "/reference.js", NULL), 0);
}
