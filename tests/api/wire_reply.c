/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Replies on the wire: formats, what browsers ask first, what is not sent twice, what is sent small. */
#include <criterion/criterion.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

#include "base/memory.h"
#include "base/text.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/look.h"
#include "tests/api/raw.h"

#define MAPPINGS "/cluster/mapping/pci"
#define EXTJS    "/api2/extjs"
#define ENTRY    "node%3d" NODE ",path%3d0000:01:00.0,id%3d10de:2484"
#define PCI      "/nodes/" NODE "/hardware/pci"
#define FRIEND   "https://ops.example.org"

static void start(void)
{
    START(.host = "workstation",
          .arguments = (const char *const[]){"--cors", FRIEND, "--cors", "http://[::1]:3000", NULL});
}

TestSuite(wire_reply, .init = start, .timeout = 120);

static bool has_header(const struct reply *reply, const char *line)
{
    autofree char *whole = xasprintf("\r\n%s\r\n", line);

    return strstr(reply->headers, whole) != NULL;
}

static char *header(const struct reply *reply, const char *name)
{
    autofree char *start_of_line = xasprintf("\r\n%s: ", name);
    const char *found = strstr(reply->headers, start_of_line);

    cr_assert_not_null(found, "no %s in:\n%s", name, reply->headers);
    found += strlen(start_of_line);
    return xstrndup(found, strcspn(found, "\r\n"));
}

/* "/api2/{json,extjs,html,htmljs,png,spiceconfig}/..."; "other format -> 501". Proxmox's pages and pictures
 * there are none of. */
DAEMON_TEST(wire_reply, formats_are_json_and_extjs_and_others_are_501)
{
    static const char *const others[] = {"html", "htmljs", "png", "spiceconfig", "xml", "JSON"};

    cr_assert_eq(CALL(.method = "GET", .path = "/api2/json/version")->status, 200);
    cr_assert_eq(CALL(.method = "GET", .path = EXTJS "/version")->status, 200);
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        autofree char *path = xasprintf("/api2/%s/version", others[i]);
        autofree char *text =
            xasprintf("format '%s' is not available: ask below /api2/json or /api2/extjs", others[i]);
        fails(501, text, "GET", path, NULL);
    }
}

/* "extjs: always HTTP 200 with success 1/0, status, message, errors" */
DAEMON_TEST(wire_reply, extjs_tells_success_in_the_body)
{
    const struct reply *reply = CALL(.method = "GET", .path = EXTJS "/cluster/nextid?_dc=1700000000000");
    cr_assert_str_eq(reply->body, "{\"success\":1,\"data\":\"100\"}");
    reply = CALL(.method = "POST", .path = EXTJS MAPPINGS, .body = "id=gpu&map=" ENTRY);
    cr_assert_str_eq(reply->body, "{\"success\":1,\"data\":null}");
    reply = CALL(.method = "GET", .path = EXTJS MAPPINGS "/other");
    cr_assert_str_eq(reply->body, "{\"data\":null,\"message\":\"mapping 'other' not found\\n\","
                                  "\"success\":0,\"status\":500}");
}

DAEMON_TEST(wire_reply, extjs_tells_every_error_in_the_body)
{
    static const struct {
        const char *method, *path, *body, *type;
        long long status;
    } cases[] = {
        {"GET", EXTJS "/nope", NULL, NULL, 501},
        {"PUT", EXTJS "/version", NULL, NULL, 501},
        {"GET", EXTJS MAPPINGS "/gone", NULL, NULL, 500},
        {"GET", EXTJS "/cluster/nextid?vmid=1", NULL, NULL, 400},
        {"POST", EXTJS MAPPINGS, "<id/>", "text/xml", 506},
        {"POST", EXTJS MAPPINGS, "{", "application/json", 400},
        {"GET", EXTJS "/version", "a=b", NULL, 501},
        {"GET", EXTJS "/nodes/pve9/status", NULL, NULL, 500},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct reply *reply = CALL(.method = cases[i].method, .path = cases[i].path,
                                         .body = cases[i].body, .content_type = cases[i].type);
        cr_expect_eq(number_of(reply->json, "status"), cases[i].status, "%s %s: %s", cases[i].method,
                     cases[i].path, reply->body);
    }
}

DAEMON_TEST(wire_reply, extjs_names_wrong_parameters)
{
    const struct reply *reply = CALL(.method = "POST", .path = EXTJS MAPPINGS, .body = "mdev=x&map=" ENTRY);

    cr_assert_eq(number_of(reply->json, "status"), 400);
    cr_assert_str_eq(text_of(reply->json, "message"), "Parameter verification failed.\n");
    cr_assert_eq(json_object_size(reply->errors), 2);
    cr_assert_str_eq(text_of(reply->errors, "id"), "property is missing and it is not optional");
    cr_assert_str_eq(text_of(reply->errors, "mdev"), "type check ('boolean') failed - got 'x'");
}

/* "request-auth failure stays 401" */
DAEMON_TEST(wire_reply, extjs_leaves_401_as_it_is)
{
    call_with_token("");
    const struct reply *reply = CALL(.method = "GET", .path = EXTJS "/version");
    cr_assert_eq(reply->status, 401);
    cr_assert_str_eq(reply->phrase, "No ticket");
    cr_assert_str_empty(reply->body);
}

/* "HEAD/OPTIONS -> 501" is a limit of Proxmox's that is not copied. */
DAEMON_TEST(wire_reply, options_names_the_methods_of_a_path_without_a_login)
{
    call_with_token("");
    const struct reply *reply = CALL_UNCHECKED(.method = "OPTIONS", .path = MAPPINGS);
    cr_assert_eq(reply->status, 204);
    cr_assert_str_empty(reply->body);
    cr_assert(has_header(reply, "Allow: GET, HEAD, POST, OPTIONS"), "%s", reply->headers);
    reply = CALL_UNCHECKED(.method = "OPTIONS", .path = MAPPINGS "/gpu/");
    cr_assert(has_header(reply, "Allow: GET, HEAD, PUT, DELETE, OPTIONS"), "%s", reply->headers);
    fails(501, "Method 'OPTIONS /nope' not implemented", "OPTIONS", "/nope", NULL);
}

DAEMON_TEST(wire_reply, pages_of_configured_origins_may_call_and_no_others)
{
    static const char *const strangers[] = {"Origin: https://evil.example.org",
                                            "Origin: null",
                                            "Origin: *",
                                            "Origin: " FRIEND ".evil",
                                            "Origin: " FRIEND "/",
                                            "Origin: HTTPS://ops.example.org",
                                            "X-Origin: " FRIEND};

    const struct reply *reply =
        CALL_UNCHECKED(.method = "OPTIONS", .path = MAPPINGS, .header = "Origin: " FRIEND);
    cr_assert(has_header(reply, "Access-Control-Allow-Origin: " FRIEND));
    cr_assert(has_header(reply, "Access-Control-Allow-Methods: GET, HEAD, POST, OPTIONS"));
    cr_assert(has_header(reply, "Access-Control-Allow-Headers: Authorization, Content-Type, "
                                "CSRFPreventionToken, If-None-Match, Last-Event-ID"));
    reply = CALL(.method = "GET", .path = "/version", .header = "Origin: http://[::1]:3000");
    cr_assert(has_header(reply, "Access-Control-Allow-Origin: http://[::1]:3000"));
    reply = CALL(.method = "GET", .path = "/nope", .header = "Origin: " FRIEND);
    cr_assert(has_header(reply, "Access-Control-Allow-Origin: " FRIEND), "errors can be read too");
    for (size_t i = 0; i < COUNT_OF(strangers); i++) {
        reply = CALL_UNCHECKED(.method = "OPTIONS", .path = MAPPINGS, .header = strangers[i]);
        cr_expect_null(strcasestr(reply->headers, "Access-Control"), "%s:\n%s", strangers[i], reply->headers);
    }
}

/* A list that did not change is not sent again. */
DAEMON_TEST(wire_reply, known_list_is_304)
{
    static const char *const lists[] = {PCI, MAPPINGS, "/access/users"};

    for (size_t i = 0; i < COUNT_OF(lists); i++) {
        autofree char *tag = header(CALL(.method = "GET", .path = lists[i]), "ETag");
        autofree char *known = xasprintf("If-None-Match: \"x\", %s", tag);
        const struct reply *reply = CALL_UNCHECKED(.method = "GET", .path = lists[i], .header = known);
        cr_expect_eq(reply->status, 304, "%s", lists[i]);
        cr_expect_str_empty(reply->body);
        cr_expect_null(reply->content_type);
        autofree char *same = header(reply, "ETag");
        cr_expect_str_eq(same, tag);
        cr_expect_eq(CALL(.method = "GET", .path = lists[i], .header = "If-None-Match: \"x\"")->status, 200);
    }
}

DAEMON_TEST(wire_reply, changed_list_is_sent_again)
{
    autofree char *tag = header(CALL(.method = "GET", .path = MAPPINGS), "ETag");
    autofree char *known = xasprintf("If-None-Match: %s", tag);

    cr_assert_eq(CALL_UNCHECKED(.method = "GET", .path = MAPPINGS, .header = known)->status, 304);
    post(MAPPINGS, "id", "gpu", "map", "node=" NODE ",path=0000:01:00.0,id=10de:2484", NULL);
    const struct reply *reply = CALL(.method = "GET", .path = MAPPINGS, .header = known);
    cr_assert_eq(reply->status, 200);
    autofree char *other = header(reply, "ETag");
    cr_assert_str_neq(other, tag);
}

DAEMON_TEST(wire_reply, what_changes_something_has_no_tag_and_is_never_304)
{
    const struct reply *reply =
        CALL(.method = "POST", .path = MAPPINGS, .body = "id=gpu&map=" ENTRY, .header = "If-None-Match: *");
    cr_assert_eq(reply->status, 200);
    cr_assert_null(strcasestr(reply->headers, "ETag"));
    reply = CALL(.method = "GET", .path = MAPPINGS "/gone", .header = "If-None-Match: *");
    cr_assert_eq(reply->status, 500, "an error stays one");
}

static char *unpack(const struct reply *reply)
{
    autofree char *length = header(reply, "Content-Length");
    char *plain = xcalloc(1 << 20, 1);
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)reply->body,
                       .avail_in = (uInt)strtoul(length, NULL, 10),
                       .next_out = (Bytef *)plain,
                       .avail_out = (1 << 20) - 1};

    cr_assert_eq(inflateInit2(&stream, MAX_WBITS + 16), Z_OK);
    cr_assert_eq(inflate(&stream, Z_FINISH), Z_STREAM_END, "not gzip");
    inflateEnd(&stream);
    return plain;
}

/* "gzip/deflate above 1024 bytes when requested" */
DAEMON_TEST(wire_reply, large_reply_is_packed_when_requested)
{
    static const char *const requests[] = {
        "Accept-Encoding: gzip", "Accept-Encoding: deflate, gzip;q=1.0, *;q=0.5", "Accept-Encoding: br,GZIP"};
    const struct reply *plain = CALL(.method = "GET", .path = PCI);

    cr_assert_gt(strlen(plain->body), 1024);
    for (size_t i = 0; i < COUNT_OF(requests); i++) {
        const struct reply *packed = CALL_UNCHECKED(.method = "GET", .path = PCI, .header = requests[i]);
        cr_assert(has_header(packed, "Content-Encoding: gzip"), "%s", requests[i]);
        cr_assert_str_eq(packed->content_type, "application/json;charset=UTF-8");
        autofree char *unpacked = unpack(packed), *one = header(plain, "ETag"),
                      *other = header(packed, "ETag");
        cr_assert_str_eq(unpacked, plain->body);
        cr_assert_str_eq(one, other, "the tag is of what is in it");
    }
}

DAEMON_TEST(wire_reply, small_reply_or_unwilling_client_gets_plain_text)
{
    static const char *const refusals[] = {"Accept-Encoding: identity", "Accept-Encoding: gzip;q=0",
                                           "Accept-Encoding: gzip; q=0.0, deflate",
                                           "Accept-Encoding:", "Accept-Encoding: xgzip, gzipx"};

    cr_assert_null(
        strstr(CALL(.method = "GET", .path = "/version", .header = "Accept-Encoding: gzip")->headers,
               "Content-Encoding"));
    for (size_t i = 0; i < COUNT_OF(refusals); i++)
        cr_expect_null(
            strstr(CALL(.method = "GET", .path = PCI, .header = refusals[i])->headers, "Content-Encoding"),
            "%s", refusals[i]);
}

DAEMON_TEST(wire_reply, packed_reply_can_be_304_and_head)
{
    autofree char *tag = header(CALL(.method = "GET", .path = PCI), "ETag");
    autofree char *request = xasprintf("GET /api2/json" PCI " HTTP/1.0\r\nAccept-Encoding: gzip\r\n"
                                       "If-None-Match: %s\r\n\r\n",
                                       tag);
    autofree char *reply = raw_ask(request, strlen(request));

    cr_assert_eq(raw_status(reply), 304, "%s", reply);
    cr_assert_null(strstr(reply, "Content-Encoding"));
    const struct reply *head =
        CALL_UNCHECKED(.method = "HEAD", .path = PCI, .header = "Accept-Encoding: gzip");
    cr_assert_eq(head->status, 200);
    cr_assert(has_header(head, "Content-Encoding: gzip"));
}

/* A proxy's headers are anyone's to send: they neither let in, nor change whom the log names. */
DAEMON_TEST(wire_reply, headers_of_proxies_are_nothing)
{
    static const char *const headers[] = {"PVEClientIP: 192.0.2.7", "X-Forwarded-For: 192.0.2.7",
                                          "PVEDisableProxy: true", "X-Forwarded-User: root@pam"};

    call_with_token("");
    for (size_t i = 0; i < COUNT_OF(headers); i++)
        cr_expect_eq(CALL(.method = "GET", .path = "/version", .header = headers[i])->status, 401, "%s",
                     headers[i]);
    autofree char *log = daemon_log();
    cr_assert_null(strstr(log, "192.0.2.7"), "%s", log);
}
