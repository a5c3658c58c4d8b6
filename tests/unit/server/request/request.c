/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A request as it was sent becomes a method, a path and parameters. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "server/request/request.h"

/* "METHOD /path [segment,segment] {params}" with ' for ", or "KIND text". */
static char shown[2048];

static const char *show(const struct decoded *decoded)
{
    autofree char *params = json_dumps(decoded->params, JSON_COMPACT);
    autotext struct text text = {0};

    text_printf(&text, "%s %s [", method_names[decoded->method], decoded->path);
    for (size_t i = 0; i < decoded->segment_count; i++)
        text_printf(&text, "%s%s", i > 0 ? "," : "", decoded->segments[i]);
    text_printf(&text, "] %s", params);
    snprintf(shown, sizeof(shown), "%s", text.data);
    for (char *c = shown; *c != '\0'; c++)
        *c = *c == '"' ? '\'' : *c;
    return shown;
}

static const char *decode(const char *method, const char *uri, const char *type, const char *body)
{
    struct decoded decoded = {0};
    struct error err;

    if (request_decode(method, uri, type, body, strlen(body), &decoded, &err) != 0) {
        cr_assert_null(decoded.params, "outputs stay untouched");
        snprintf(shown, sizeof(shown), "%d %s", (int)err.kind, err.message);
        return shown;
    }
    show(&decoded);
    decoded_release(&decoded);
    return shown;
}

static const char *get(const char *uri)
{
    return decode("GET", uri, NULL, "");
}

static const char *refused(enum error_kind kind, const char *text)
{
    static char expected[512];

    snprintf(expected, sizeof(expected), "%d %s", (int)kind, text);
    return expected;
}

Test(server_request, path)
{
    static const char *const cases[][2] = {
        {"/api2/json", "GET / [] {}"},
        {"/api2/json/", "GET / [] {}"},
        {"/api2/json/nodes", "GET /nodes [nodes] {}"},
        {"//api2///json//nodes///pve1/", "GET /nodes/pve1 [nodes,pve1] {}"},
        {"/api2%2Fjson%2fnodes", "GET /nodes [nodes] {}"},
        {"/api2/json/a%20b+c/UPID:x@y:", "GET /a b+c/UPID:x@y: [a b+c,UPID:x@y:] {}"},
        {"/api2/json/nodes?a=1&b=%2F", "GET /nodes [nodes] {'a':'1','b':'/'}"},
        {"/api2/json/nodes?", "GET /nodes [nodes] {}"},
        {"/api2/json/a%3Fb=1", "GET /a?b=1 [a?b=1] {}"},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        cr_expect_str_eq(get(cases[i][0]), cases[i][1], "%s: %s", cases[i][0], shown);
}

Test(server_request, path_that_is_refused)
{
    static const struct {
        const char *uri;
        enum error_kind kind;
        const char *text;
    } cases[] = {
        {"", ERROR_NO_METHOD, "Method 'GET /' not implemented: the API is below /api2/json"},
        {"/", ERROR_NO_METHOD, "Method 'GET /' not implemented: the API is below /api2/json"},
        {"/nodes", ERROR_NO_METHOD, "Method 'GET /nodes' not implemented: the API is below /api2/json"},
        {"/api2", ERROR_NO_METHOD, "format '' is not available: ask below /api2/json or /api2/extjs"},
        {"/api2/xml/nodes", ERROR_NO_METHOD,
         "format 'xml' is not available: ask below /api2/json or /api2/extjs"},
        {"/api2/json/../x", ERROR_UNREADABLE, "a path must not hold '..' as a segment"},
        {"/api2/json/nodes/%2e%2e%2fpve1", ERROR_UNREADABLE, "a path must not hold '..' as a segment"},
        {"/%2e/api2/json", ERROR_UNREADABLE, "a path must not hold '.' as a segment"},
        {"/api2/json/a%00b", ERROR_UNREADABLE, "the path holds a NUL byte (%00), which is never valid"},
        {"/api2/json/%c3", ERROR_UNREADABLE, "the path is not valid UTF-8"},
        {"/api2/json/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15", ERROR_NO_METHOD,
         "the path has more than 16 segments"},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        cr_expect_str_eq(get(cases[i].uri), refused(cases[i].kind, cases[i].text), "%s: %s", cases[i].uri,
                         shown);
}

Test(server_request, method)
{
    cr_expect_str_eq(decode("DELETE", "/api2/json/a", NULL, ""), "DELETE /a [a] {}");
    cr_expect_str_eq(decode("HEAD", "/api2/json/a", NULL, ""), "GET /a [a] {}");
    cr_expect_str_eq(decode("PATCH", "/api2/json/a", NULL, ""),
                     refused(ERROR_NO_METHOD, "Method 'PATCH /api2/json/a' not implemented"));
    cr_expect_str_eq(decode("get", "/api2/json/a", NULL, ""),
                     refused(ERROR_NO_METHOD, "Method 'get /api2/json/a' not implemented"));
}

Test(server_request, body)
{
    const char *uri = "/api2/json/a";

    cr_expect_str_eq(decode("POST", uri, NULL, "x=1&y=a+b"), "POST /a [a] {'x':'1','y':'a b'}");
    cr_expect_str_eq(decode("PUT", uri, "application/x-www-form-urlencoded; charset=UTF-8", "x=1"),
                     "PUT /a [a] {'x':'1'}");
    cr_expect_str_eq(decode("POST", uri, "Application/JSON;charset=utf-8", "{\"x\":1}"),
                     "POST /a [a] {'x':1}");
    cr_expect_str_eq(decode("POST", uri, "application/json", ""), "POST /a [a] {}");
    cr_expect_str_eq(decode("POST", uri, "text/plain", ""), "POST /a [a] {}");
    cr_expect_str_eq(decode("POST", "/api2/json/a?x=query&z=3", "application/json", "{\"x\":1,\"y\":2}"),
                     "POST /a [a] {'x':'query','y':2,'z':'3'}", "the query wins");
    cr_expect_str_eq(decode("POST", uri, "text/plain", "x"),
                     refused(ERROR_MEDIA_TYPE, "Content-Type 'text/plain' is not supported: send "
                                               "application/json or application/x-www-form-urlencoded"));
    cr_expect_str_eq(decode("GET", uri, NULL, "x=1"),
                     refused(ERROR_NO_METHOD, "Unexpected content for method 'GET': send parameters in the "
                                              "query string"));
    cr_expect_str_eq(decode("DELETE", uri, "application/json", "{}"),
                     refused(ERROR_NO_METHOD, "Unexpected content for method 'DELETE': send parameters in "
                                              "the query string"));
}

Test(server_request, body_of_the_allowed_size)
{
    autofree char *body = xcalloc(REQUEST_BODY_LIMIT + 2, 1);

    memset(body, 'a', REQUEST_BODY_LIMIT);
    body[1] = '=';
    struct decoded decoded = {0};
    struct error err;
    cr_assert_eq(request_decode("POST", "/api2/json/a", NULL, body, REQUEST_BODY_LIMIT, &decoded, &err), 0);
    cr_assert_eq(json_string_length(json_object_get(decoded.params, "a")), REQUEST_BODY_LIMIT - 2);
    decoded_release(&decoded);
    body[REQUEST_BODY_LIMIT] = 'a';
    cr_assert_str_eq(decode("POST", "/api2/json/a", NULL, body),
                     refused(ERROR_TOO_LARGE, "for data too large"));
}
