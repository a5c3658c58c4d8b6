/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests that are wrong in every way: each is answered with a clear error, or its connection is closed; the
 * daemon goes on, and nothing changed. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "api/request.h"
#include "base/memory.h"
#include "base/text.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/look.h"
#include "tests/api/path.h"
#include "tests/api/raw.h"
#include "tests/api/unharmed.h"

#define MAPPINGS "/cluster/mapping/pci"
#define JSON     "application/json"
#define ENTRY    "node=" NODE ",path=0000:01:00.0,id=10de:2484"

TestSuite(abuse, .init = unharmed_start, .timeout = 120);

UNHARMED_TEST(abuse, unknown_parameter_of_every_endpoint)
{
    for (size_t i = 0; i < endpoint_count; i++) {
        const struct endpoint *endpoint = endpoint_table[i];
        autofree char *path = path_fill(endpoint->path), *uri = xasprintf("%s?colour=red", path);
        const struct reply *reply = CALL(.method = method_names[endpoint->method], .path = uri);
        cr_assert_eq(reply->status, 400, "%s: %u", uri, reply->status);
        cr_assert_str_eq(text_of(reply->errors, "colour"),
                         "property is not defined in schema and the schema does "
                         "not allow additional properties");
    }
}

/* The n-th segment replaced; NULL if there are not so many. */
static char *replace_segment(const char *path, int n, const char *with)
{
    const char *start = path;

    while (start != NULL && n-- > 0)
        start = strchr(start + 1, '/');
    if (start == NULL || start[1] == '\0')
        return NULL;
    const char *end = strchr(start + 1, '/');
    return xasprintf("%.*s/%s%s", (int)(start - path), path, with, end != NULL ? end : "");
}

UNHARMED_TEST(abuse, way_out_nul_byte_or_no_text_in_every_segment_of_every_path)
{
    static const char *const segments[] = {"..",     "%2e%2e", "%2e%2e%2f",    "..%2f..%2f..%2fetc%2fpasswd",
                                           ".",      "%2E.",   "%00",          "x%00y",
                                           "%ff%fe", "%c3%28", "%c0%ae%c0%ae", "%ed%a0%80"};

    for (size_t i = 0; i < endpoint_count; i++) {
        autofree char *path = path_fill(endpoint_table[i]->path);
        for (size_t j = 0; j < COUNT_OF(segments); j++) {
            char *uri;
            for (int n = 0; (uri = replace_segment(path, n, segments[j])) != NULL; n++) {
                const struct reply *reply =
                    CALL(.method = method_names[endpoint_table[i]->method], .path = uri);
                cr_assert_eq(reply->status, 400, "%s: %u %s", uri, reply->status, reply->phrase);
                free(uri);
            }
        }
    }
}

UNHARMED_TEST(abuse, malformed_ids)
{
    static const char *const paths[][2] = {
        {"/nodes/" NODE "/hardware/pci/0000:01:00/status", "pci-id-or-mapping"},
        {"/nodes/" NODE "/hardware/pci/0000:01:20.0/status", "pci-id-or-mapping"},
        {"/nodes/" NODE "/hardware/pci/0000:01:00.8/status", "pci-id-or-mapping"},
        {"/nodes/" NODE "/hardware/pci/000:01:00.0/status", "pci-id-or-mapping"},
        {"/nodes/" NODE "/hardware/pci/fffffffff:01:00.0/status", "pci-id-or-mapping"},
        {"/nodes/" NODE "/hardware/pci/0x01:00.0/status", "pci-id-or-mapping"},
        {"/nodes/" NODE "/hardware/pci/0000:01:00.0%20/status", "pci-id-or-mapping"},
        {"/nodes/" NODE "/hardware/pci/0000:01:00.0%0a/status", "pci-id-or-mapping"},
        {"/nodes/" NODE "/hardware/pci/%3b/mdev", "pci-id-or-mapping"},
        {"/cluster/mapping/pci/1", "id"},
        {"/cluster/mapping/pci/gpu%0a", "id"},
        {"/access/users/root/token", "userid"},
        {"/access/users/root@pam/token/a%20b", "tokenid"},
        {"/access/users/root@pam/token/x!y", "tokenid"},
        {"/access/groups/a%20b", "groupid"},
        {"/access/roles/a@b", "roleid"},
        {"/access/domains/1", "realm"},
    };

    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        const struct reply *reply = CALL(.method = "GET", .path = paths[i][0]);
        cr_assert_eq(reply->status, 400, "%s: %u %s", paths[i][0], reply->status, reply->phrase);
        const char *text = text_of(reply->errors, paths[i][1]);
        cr_assert(text_starts_with(text, "invalid format - ") ||
                      strcmp(text, "value does not match the regex pattern") == 0,
                  "%s", reply->body);
    }
    fails(500, "hostname lookup '-' failed - no such node: this one is '" NODE "'", "GET", "/nodes/-/version",
          NULL);
}

UNHARMED_TEST(abuse, nul_byte_as_it_is)
{
    static const char path[] = "GET /api2/json/ver\0sion HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    static const char form[] = "POST /api2/json" MAPPINGS " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                               "Content-Length: 9\r\n\r\nid=a\0bcde";
    autofree char *to_form = raw_ask(form, sizeof(form) - 1);

    cr_assert(raw_is_refused(path, sizeof(path) - 1));
    cr_assert_eq(raw_status(to_form), 400, "%s", to_form);
}

UNHARMED_TEST(abuse, nul_byte_in_parameters)
{
    cr_assert_eq(CALL(.method = "GET", .path = "/cluster/resources?type=node%00")->status, 400);
    cr_assert_eq(CALL(.method = "GET", .path = "/cluster/resources?ty%00pe=node")->status, 400);
    cr_assert_eq(CALL(.method = "POST", .path = MAPPINGS, .body = "id=x%00y&map=z")->status, 400);
    cr_assert_eq(CALL(.method = "POST", .path = MAPPINGS, .content_type = JSON,
                      .body = "{\"id\":\"other\",\"map\":[\"" ENTRY "\"],\"description\":\"a\\u0000b\"}")
                     ->status,
                 400);
    cr_assert_eq(CALL(.method = "POST", .path = MAPPINGS, .content_type = JSON,
                      .body = "{\"id\":\"other\",\"map\":[\"" ENTRY "\"],\"descr\\u0000iption\":\"b\"}")
                     ->status,
                 400);
}

UNHARMED_TEST(abuse, invalid_utf8)
{
    static const char *const bodies[] = {"id=other&map=x&description=%ff", "id=other&map=x&description=\xff",
                                         "id=other&map=x&%ff=1", "id=other&map=x&description=%ed%a0%80"};

    for (size_t i = 0; i < COUNT_OF(bodies); i++)
        cr_assert_eq(CALL(.method = "POST", .path = MAPPINGS, .body = bodies[i])->status, 400, "%s",
                     bodies[i]);
    cr_assert_eq(CALL(.method = "GET", .path = "/cluster/resources?type=%ff")->status, 400);
    cr_assert_eq(
        CALL(.method = "POST", .path = MAPPINGS, .content_type = JSON, .body = "{\"id\":\"\xff\"}")->status,
        400);
    cr_assert_eq(CALL(.method = "POST", .path = MAPPINGS, .content_type = JSON,
                      .body = "{\"id\":\"other\",\"map\":\"\\ud800\"}")
                     ->status,
                 400);
    cr_assert_eq(
        CALL(.method = "GET", .path = "/version", .header = "Authorization: PVEAPIToken=\xff!\xfe=x")->status,
        401);
}

UNHARMED_TEST(abuse, json_that_is_none)
{
    static const char *const bodies[] = {"",
                                         "{",
                                         "[]",
                                         "1",
                                         "\"x\"",
                                         "null",
                                         "{\"id\":1,}",
                                         "{'id':'x'}",
                                         "{} {}",
                                         "{\"id\":\"a\",\"id\":\"b\"}",
                                         "{\"id\":1e999}",
                                         "{\"id\":NaN}",
                                         "nul"};

    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        const struct reply *reply =
            CALL(.method = "POST", .path = MAPPINGS, .body = bodies[i], .content_type = JSON);
        cr_assert_eq(reply->status, 400, "%s: %u", bodies[i], reply->status);
    }
}

UNHARMED_TEST(abuse, wrong_types_in_json)
{
    static const char *const bodies[] = {
        "{\"id\":{},\"map\":[\"" ENTRY "\"]}",
        "{\"id\":[\"a\",\"b\"],\"map\":[\"" ENTRY "\"]}",
        "{\"id\":\"other\",\"map\":{}}",
        "{\"id\":\"other\",\"map\":[[]]}",
        "{\"id\":\"other\",\"map\":[{}]}",
        "{\"id\":\"other\",\"map\":[null]}",
        "{\"id\":\"other\",\"map\":7}",
        "{\"id\":true,\"map\":[\"" ENTRY "\"]}",
        "{\"id\":\"other\",\"map\":[\"" ENTRY "\"],\"mdev\":{}}",
        "{\"id\":\"other\",\"map\":[\"" ENTRY "\"],\"mdev\":0.5}",
        "{\"id\":\"other\",\"map\":[\"" ENTRY "\"],\"description\":{\"a\":[1,2,{}]}}",
    };

    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        const struct reply *reply =
            CALL(.method = "POST", .path = MAPPINGS, .body = bodies[i], .content_type = JSON);
        cr_assert_eq(reply->status, 400, "%s: %u", bodies[i], reply->status);
        cr_assert_str_eq(reply->phrase, "Parameter verification failed.");
    }
}

UNHARMED_TEST(abuse, json_nested_ten_thousand_deep)
{
    enum { DEPTH = 10000 };
    static const char *const opens[] = {"[", "{\"a\":"}, *const closes[] = {"]", "}"};

    for (int shape = 0; shape < 2; shape++) {
        autotext struct text body = {0};
        text_append(&body, "{\"id\":");
        for (int i = 0; i < DEPTH; i++)
            text_append(&body, opens[shape]);
        text_append(&body, "1");
        for (int i = 0; i < DEPTH; i++)
            text_append(&body, closes[shape]);
        text_append(&body, "}");
        const struct reply *reply =
            CALL(.method = "POST", .path = MAPPINGS, .body = text_string(&body), .content_type = JSON);
        cr_assert_eq(reply->status, 400);
        cr_assert_not_null(strstr(reply->phrase, "nested deeper"), "%s", reply->phrase);
    }
}

static void print_array(int count, struct text *json, struct text *form)
{
    text_append(json, "{\"id\":\"other\",\"map\":[\"a\"");
    text_append(form, "id=other");
    for (int i = 1; i < count; i++)
        text_append(json, ",\"a\"");
    for (int i = 0; i < count; i++)
        text_append(form, "&map=");
    text_append(json, "]}");
}

UNHARMED_TEST(abuse, array_of_eight_thousand_entries)
{
    autotext struct text json = {0}, form = {0};

    print_array(8000, &json, &form);
    const struct reply *reply =
        CALL(.method = "POST", .path = MAPPINGS, .body = text_string(&json), .content_type = JSON);
    cr_assert_eq(reply->status, 400);
    cr_assert_str_eq(text_of(reply->errors, "map"), "array has 8000 entries, at most 1024 are allowed");
    reply = CALL(.method = "POST", .path = MAPPINGS, .body = text_string(&form));
    cr_assert_eq(reply->status, 400);
    cr_assert_str_eq(text_of(reply->errors, "map"), "array has 8000 entries, at most 1024 are allowed");
}

/* So many are not even decoded. */
UNHARMED_TEST(abuse, array_of_a_hundred_thousand_entries)
{
    autotext struct text json = {0}, form = {0};

    print_array(100000, &json, &form);
    const struct reply *reply =
        CALL(.method = "POST", .path = MAPPINGS, .body = text_string(&json), .content_type = JSON);
    cr_assert_eq(reply->status, 400);
    cr_assert_str_eq(reply->phrase, "the JSON body holds more than 8192 values");
    reply = CALL(.method = "POST", .path = MAPPINGS, .body = text_string(&form));
    cr_assert_eq(reply->status, 400);
    cr_assert_str_eq(reply->phrase, "the form holds more than 8192 values");
}

UNHARMED_TEST(abuse, a_hundred_thousand_parameters)
{
    autotext struct text form = {0};

    for (int i = 0; i < 50000; i++)
        text_printf(&form, "&p%d=", i);
    cr_assert_eq(CALL(.method = "POST", .path = MAPPINGS, .body = text_string(&form))->status, 400);
}

/* A text is cut in the message, and the message in the reason phrase; neither breaks the reply. */
UNHARMED_TEST(abuse, long_and_strange_values_in_messages)
{
    autofree char *value = xcalloc(60001, 1);

    memset(value, 'v', 60000);
    fails(400, "Parameter verification failed.", "POST", MAPPINGS, "id", value, "map", ENTRY, NULL);
    fails(400, "Parameter verification failed.", "POST", MAPPINGS, "id", "a\r\nSet-Cookie: x", "map", ENTRY,
          NULL);
    const struct reply *reply = CALL(.method = "GET", .path = "/a%0d%0aSet-Cookie:%20x");
    cr_assert_eq(reply->status, 501);
    cr_assert_null(strstr(reply->headers, "\nSet-Cookie"), "%s", reply->headers);
    reply = CALL(.method = "GET", .path = "/%e2%82%ac");
    cr_assert_eq(reply->status, 501);
}
