/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The wire as Proxmox's clients know it: paths, parameters, statuses, texts. What holds for every reply
 * (envelope, Content-Type, reason phrase, headers) is checked with every call: tests/api/call.c. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/look.h"
#include "tests/api/raw.h"

#define MAPPINGS "/cluster/mapping/pci"
#define FORM     "application/x-www-form-urlencoded"
#define JSON     "application/json"
#define ENTRY    "node%3d" NODE ",path%3d0000:01:00.0,id%3d10de:2484"
#define PLAIN    "node=" NODE ",path=0000:01:00.0,id=10de:2484"

static void start(void)
{
    START(.host = "workstation");
}

TestSuite(wire, .init = start, .timeout = 120);

static unsigned status_of(const char *method, const char *path)
{
    return CALL(.method = method, .path = path)->status;
}

/* What becomes of a description that is sent in a form like this. */
static const char *described(const char *form)
{
    autofree char *body = xasprintf("id=wire&map=%s&%s", ENTRY, form);

    delete (MAPPINGS "/wire", NULL);
    const struct reply *reply = CALL(.method = "POST", .path = MAPPINGS, .body = body, .content_type = FORM);
    cr_assert_eq(reply->status, 200, "%s: %s", form, reply->body);
    const json_t *one = get(MAPPINGS "/wire", NULL);
    return has(one, "description") ? text_of(one, "description") : NULL;
}

/* The text about one parameter of a POST with this body. */
static const char *complaint(const char *type, const char *body, const char *parameter)
{
    const struct reply *reply = CALL(.method = "POST", .path = MAPPINGS, .body = body, .content_type = type);

    cr_assert_eq(reply->status, 400, "%s: %s", body, reply->body);
    cr_assert_str_eq(reply->phrase, "Parameter verification failed.");
    return text_of(reply->errors, parameter);
}

/* Paths */

DAEMON_TEST(wire, path_is_decoded_before_it_is_split)
{
    cr_assert_eq(status_of("GET", "/nodes%2F" NODE "%2fversion"), 200);
    cr_assert_eq(status_of("GET", "/%6eodes/%70ve1/version"), 200);
    cr_assert_eq(status_of("GET", "/nodes/" NODE "/hardware/pci/0000%3a01%3A00.0/status"), 200);
}

DAEMON_TEST(wire, empty_segments_do_not_count)
{
    cr_assert_eq(status_of("GET", "//nodes///" NODE "//version/"), 200);
    cr_assert_eq(status_of("GET", "/version/"), 200);
    cr_assert_eq(status_of("GET", "/api2/json"), 200);
    cr_assert_eq(status_of("GET", "//api2//json/"), 501, "our call puts the prefix in front");
    cr_assert_eq(status_of("GET", "/api2/json//"), 200);
}

DAEMON_TEST(wire, unknown_path_or_method_is_501_and_never_404)
{
    fails(501, "Method 'GET /nope' not implemented", "GET", "/nope", NULL);
    fails(501, "Method 'PUT /version' not implemented", "PUT", "/version", NULL);
    fails(501, "Method 'DELETE /cluster/mapping/pci' not implemented", "DELETE", MAPPINGS, NULL);
    fails(501, "Method 'GET /version/more' not implemented", "GET", "/version/more", NULL);
    cr_assert_eq(status_of("PATCH", "/version"), 501);
    cr_assert_eq(status_of("GET", "/api2/html/version"), 501, "a format that there is not");
    cr_assert_eq(status_of("GET", "/api2/version"), 501);
}

DAEMON_TEST(wire, head_is_get_without_the_body)
{
    const struct reply *reply = CALL_UNCHECKED(.method = "HEAD", .path = "/version");

    cr_assert_eq(reply->status, 200);
    cr_assert_str_empty(reply->body);
}

/* Bodies */

DAEMON_TEST(wire, body_without_a_type_is_a_form)
{
    const char body[] = "id=wire&map=" ENTRY "&description=x";

    cr_assert_eq(CALL(.method = "POST", .path = MAPPINGS, .body = body)->status, 200);
    cr_assert_str_eq(text_of(get(MAPPINGS "/wire", NULL), "description"), "x");
}

DAEMON_TEST(wire, body_may_be_json)
{
    const char body[] = "{\"id\":\"wire\",\"map\":[\"" PLAIN "\"],\"description\":\"\\u00e4\",\"mdev\":true}";

    cr_assert_eq(CALL(.method = "POST", .path = MAPPINGS, .body = body,
                      .content_type = "application/json; charset=utf-8")
                     ->status,
                 200);
    cr_assert_str_eq(text_of(get(MAPPINGS "/wire", NULL), "description"), "\xc3\xa4");
    cr_assert_eq(number_of(get(MAPPINGS "/wire", NULL), "mdev"), 1);
}

DAEMON_TEST(wire, body_of_another_type_is_506)
{
    cr_assert_eq(
        CALL(.method = "POST", .path = MAPPINGS, .body = "<id/>", .content_type = "text/xml")->status, 506);
    cr_assert_eq(
        CALL(.method = "POST", .path = MAPPINGS, .body = "--x", .content_type = "multipart/form-data")
            ->status,
        506);
}

DAEMON_TEST(wire, body_of_get_or_delete_is_501)
{
    cr_assert_eq(CALL(.method = "GET", .path = "/version", .body = "a=b")->status, 501);
    cr_assert_eq(CALL(.method = "DELETE", .path = MAPPINGS "/wire", .body = "a=b")->status, 501);
}

DAEMON_TEST(wire, body_may_have_512_kib)
{
    static const char form[] = "id=wire&map=" ENTRY;
    const size_t limit = (size_t)512 * 1024;
    autofree char *body = xcalloc(limit + 2, 1);

    memset(body, '&', limit + 1);
    memcpy(body, form, sizeof(form) - 1);
    const struct reply *reply = CALL(.method = "POST", .path = MAPPINGS, .body = body, .length = limit + 1);
    cr_assert_eq(reply->status, 501);
    cr_assert_str_eq(reply->phrase, "for data too large");
    cr_assert_eq(CALL(.method = "POST", .path = MAPPINGS, .body = body, .length = limit)->status, 200);
}

DAEMON_TEST(wire, query_wins_over_the_body)
{
    cr_assert_eq(CALL(.method = "POST", .path = MAPPINGS "?description=query",
                      .body = "id=wire&map=" ENTRY "&description=body")
                     ->status,
                 200);
    cr_assert_str_eq(text_of(get(MAPPINGS "/wire", NULL), "description"), "query");
}

/* Forms */

DAEMON_TEST(wire, form_is_decoded_as_proxmox_does)
{
    cr_assert_str_eq(described("description=a+b%20c%2bd"), "a b c+d");
    cr_assert_str_eq(described("description=%c3%a4%e2%82%ac"), "\xc3\xa4\xe2\x82\xac", "UTF-8");
    cr_assert_str_eq(described("description=first;mdev=1"), "first", "; separates as & does");
    cr_assert_eq(number_of(get(MAPPINGS "/wire", NULL), "mdev"), 1);
    cr_assert_str_eq(described("description=a=b"), "a", "a second = ends the value");
    cr_assert_str_eq(described("description=a%3db"), "a=b");
    cr_assert_str_eq(described("description="), "", "empty is set");
    cr_assert_null(described("description"), "without = is unset");
    cr_assert_str_eq(described("_dc=123456&&description=x&"), "x", "_dc is dropped");
    cr_assert_str_eq(described("description=100%"), "100%", "a lone % stands for itself");
}

DAEMON_TEST(wire, repeated_keys_are_an_array_and_a_scalar_is_one_entry)
{
    post(MAPPINGS, "id", "two", "map", PLAIN, "map", PLAIN, NULL);
    cr_assert_eq(json_array_size(member(get(MAPPINGS "/two", NULL), "map")), 2);
    post(MAPPINGS, "id", "one", "map", PLAIN, NULL);
    cr_assert_eq(json_array_size(member(get(MAPPINGS "/one", NULL), "map")), 1);
    cr_assert_str_eq(complaint(FORM, "id=wire&map=" ENTRY "&description=a&description=b", "description"),
                     "type check ('string') failed - got ARRAY");
}

DAEMON_TEST(wire, list_is_separated_by_comma_semicolon_or_blanks_or_repeated)
{
    static const char *const lists[] = {"description,mdev", "description;mdev", "description mdev",
                                        ",description,,mdev,"};

    for (size_t i = 0; i < COUNT_OF(lists); i++) {
        described("description=x&mdev=1");
        put(MAPPINGS "/wire", "map", PLAIN, "delete", lists[i], NULL);
        cr_assert_not(has(get(MAPPINGS "/wire", NULL), "description"), "%s", lists[i]);
        cr_assert_not(has(get(MAPPINGS "/wire", NULL), "mdev"), "%s", lists[i]);
    }
    described("description=x&mdev=1");
    put(MAPPINGS "/wire", "map", PLAIN, "delete", "description", "delete", "mdev", NULL);
    cr_assert_not(has(get(MAPPINGS "/wire", NULL), "mdev"));
}

DAEMON_TEST(wire, parameter_of_the_path_may_be_repeated_with_the_same_value_only)
{
    cr_assert_eq(status_of("GET", "/nodes/" NODE "/version?node=" NODE), 200);
    const struct reply *reply = CALL(.method = "GET", .path = "/nodes/" NODE "/version?node=pve9");
    cr_assert_eq(reply->status, 400);
    cr_assert(has(reply->errors, "node"));
}

/* Values */

DAEMON_TEST(wire, boolean_is_1_or_0_or_json_true_or_false)
{
    static const char *const wrong[] = {"yes", "on", "true", "True", "false", "2", "-1", ""};

    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        autofree char *body = xasprintf("id=wire&map=%s&mdev=%s", ENTRY, wrong[i]);
        autofree char *text = xasprintf("type check ('boolean') failed - got '%s'", wrong[i]);
        cr_assert_str_eq(complaint(FORM, body, "mdev"), text);
    }
    post(MAPPINGS, "id", "wire", "map", PLAIN, "mdev", "0", NULL);
    cr_assert_eq(number_of(get(MAPPINGS "/wire", NULL), "mdev"), 0);
}

DAEMON_TEST(wire, numbers_and_strings_stand_for_each_other_in_json)
{
    const char body[] = "{\"id\":\"wire\",\"map\":[\"" PLAIN "\"],\"description\":12,\"mdev\":\"1\"}";

    cr_assert_eq(CALL(.method = "POST", .path = MAPPINGS, .body = body, .content_type = JSON)->status, 200);
    cr_assert_str_eq(text_of(get(MAPPINGS "/wire", NULL), "description"), "12");
    cr_assert_eq(number_of(get(MAPPINGS "/wire", NULL), "mdev"), 1);
}

DAEMON_TEST(wire, null_in_json_is_as_if_not_sent)
{
    const char body[] = "{\"id\":\"wire\",\"map\":[\"" PLAIN "\"],\"description\":null}";

    cr_assert_eq(CALL(.method = "POST", .path = MAPPINGS, .body = body, .content_type = JSON)->status, 200);
    cr_assert_not(has(get(MAPPINGS "/wire", NULL), "description"));
}

DAEMON_TEST(wire, every_wrong_parameter_has_its_text)
{
    const struct reply *reply = CALL(.method = "POST", .path = MAPPINGS, .body = "mdev=x&colour=red&map=y");

    cr_assert_eq(reply->status, 400);
    cr_assert_eq(json_object_size(reply->errors), 4);
    cr_assert_str_eq(text_of(reply->errors, "id"), "property is missing and it is not optional");
    cr_assert_str_eq(text_of(reply->errors, "mdev"), "type check ('boolean') failed - got 'x'");
    cr_assert_str_eq(text_of(reply->errors, "colour"),
                     "property is not defined in schema and the schema does not allow additional properties");
    cr_assert(text_starts_with(text_of(reply->errors, "map[0]"), "invalid format - "));
}

DAEMON_TEST(wire, texts_of_numbers)
{
    wrong_parameter("vmid", "type check ('integer') failed - got '1.5'", "GET", "/cluster/nextid", "vmid",
                    "1.5", NULL);
    wrong_parameter("vmid", "value must have a minimum value of 100", "GET", "/cluster/nextid", "vmid", "1",
                    NULL);
    wrong_parameter("vmid", "value must have a maximum value of 999999999", "GET", "/cluster/nextid", "vmid",
                    "1000000000", NULL);
    wrong_parameter("vmid", "type check ('integer') failed - got '99999999999999999999999'", "GET",
                    "/cluster/nextid", "vmid", "99999999999999999999999", NULL);
}

/* Connections */

DAEMON_TEST(wire, connection_is_kept_for_the_next_request_also_after_an_error)
{
    static const char requests[] = "GET /api2/json/version HTTP/1.1\r\nHost: x\r\n\r\n"
                                   "GET /api2/json/nope HTTP/1.1\r\nHost: x\r\n\r\n"
                                   "GET /api2/json/version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    autofree char *replies = raw_ask(requests, strlen(requests));
    int found = 0;

    for (const char *at = replies; (at = strstr(at, "\"hostpci-version\"")) != NULL; at++)
        found++;
    cr_assert_eq(found, 2, "%s", replies);
    cr_assert_not_null(strstr(replies, "HTTP/1.1 501 Method 'GET /nope' not implemented\r\n"));
}

DAEMON_TEST(wire, chunked_body_is_taken)
{
    static const char request[] = "POST /api2/json" MAPPINGS " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                                  "Transfer-Encoding: chunked\r\n\r\n"
                                  "8\r\nid=wire&\r\n4\r\nmap=\r\n2e\r\n" ENTRY "\r\n0\r\n\r\n";
    autofree char *reply = raw_ask(request, strlen(request));

    cr_assert_eq(raw_status(reply), 200, "%s", reply);
    get(MAPPINGS "/wire", NULL);
}
