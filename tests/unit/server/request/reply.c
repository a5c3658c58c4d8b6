/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The envelope, the status and the reason phrase of a reply; the cache. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "server/request/cache.h"
#include "server/request/reply.h"

static char shown[2048];

static const char *data(json_t *value)
{
    size_t length;
    autofree char *text = reply_print_data(value, 0, FORMAT_JSON, &length);

    json_decref(value);
    cr_assert_eq(length, strlen(text));
    snprintf(shown, sizeof(shown), "%s", text);
    return shown;
}

static const char *error_body(const struct error *err, const json_t *errors)
{
    autofree char *text = reply_print_error(err, errors, FORMAT_JSON);

    snprintf(shown, sizeof(shown), "%s", text);
    return shown;
}

Test(server_reply, data)
{
    cr_expect_str_eq(data(NULL), "{\"data\":null}");
    cr_expect_str_eq(data(json_string("100")), "{\"data\":\"100\"}");
    cr_expect_str_eq(data(json_pack("[{s:s, s:i}]", "z", "1", "a", 2)), "{\"data\":[{\"z\":\"1\",\"a\":2}]}",
                     "keys stay in their order");
}

Test(server_reply, a_part_tells_how_many_there_are)
{
    autojson json_t *part = json_pack("[i]", 7);
    size_t length;
    autofree char *text = reply_print_data(part, 5000000000, FORMAT_JSON, &length);

    cr_expect_str_eq(text, "{\"data\":[7],\"total\":5000000000}");
    cr_expect_eq(length, strlen(text));
}

Test(server_reply, error)
{
    autojson json_t *errors = json_pack("{s:s}", "map", "property is missing and it is not optional");
    struct error err;

    error_set(&err, ERROR_FAILED, "mapping 'x' not found");
    cr_expect_str_eq(error_body(&err, NULL), "{\"data\":null,\"message\":\"mapping 'x' not found\\n\"}");
    error_set(&err, ERROR_INVALID, "Parameter verification failed.");
    cr_expect_str_eq(error_body(&err, errors),
                     "{\"data\":null,\"message\":\"Parameter verification failed.\\n\","
                     "\"errors\":{\"map\":\"property is missing and it is not optional\"}}");
    error_set_field(&err, "vmid", "VM %d already exists", 100);
    cr_expect_str_eq(error_body(&err, NULL),
                     "{\"data\":null,\"message\":\"Parameter verification failed.\\n\","
                     "\"errors\":{\"vmid\":\"VM 100 already exists\"}}");
}

Test(server_reply, error_that_quotes_what_is_no_text)
{
    struct error err;

    error_set(&err, ERROR_FAILED, "value '\xff\x01' is wrong");
    cr_expect_str_eq(error_body(&err, NULL), "{\"data\":null,\"message\":\"value '?\\u0001' is wrong\\n\"}");
    error_set_field(&err, "x", "value '\xff' is wrong");
    cr_expect_str_eq(error_body(&err, NULL),
                     "{\"data\":null,\"message\":\"Parameter verification failed.\\n\","
                     "\"errors\":{\"x\":\"value '?' is wrong\"}}");
}

Test(server_reply, extjs_has_success_and_the_status)
{
    struct error err;
    size_t length;

    error_set(&err, ERROR_FAILED, "mapping 'x' not found");
    autofree char *failure = reply_print_error(&err, NULL, FORMAT_EXTJS);
    cr_expect_str_eq(failure,
                     "{\"data\":null,\"message\":\"mapping 'x' not found\\n\",\"success\":0,\"status\":500}");
    autofree char *success = reply_print_data(NULL, 0, FORMAT_EXTJS, &length);
    cr_expect_str_eq(success, "{\"success\":1,\"data\":null}");
    cr_expect_eq(length, strlen(success));
}

static unsigned status_for(const char *known_tags)
{
    struct reply reply;

    reply_data(&reply, json_string("a"), 0, FORMAT_JSON);
    reply_tag(&reply, known_tags);
    unsigned status = reply.status;
    cr_expect_eq(reply_length(&reply) == 0, status == 304);
    reply_release(&reply);
    return status;
}

Test(server_reply, tag_is_that_of_the_bytes_and_known_ones_are_not_sent)
{
    struct reply_body *body = reply_body_new(xstrdup("{\"data\":\"a\"}"), strlen("{\"data\":\"a\"}"));
    const char *weak = reply_body_tag(body), *strong = weak + strlen("W/");
    autofree char *several = xasprintf("\"a\", %s", weak);

    cr_expect_eq(status_for(weak), 304);
    cr_expect_eq(status_for(strong), 304, "the comparison is weak (RFC 9110, 13.1.2)");
    cr_expect_eq(status_for(several), 304);
    cr_expect_eq(status_for("*"), 304);
    cr_expect_eq(status_for("\"a\""), 200);
    cr_expect_eq(status_for(NULL), 200);
    reply_body_release(body);
}

Test(server_reply, is_packed_once_and_from_1_kib_on)
{
    autofree char *large = xcalloc(2049, 1);
    struct reply reply;

    memset(large, 'a', 2048);
    reply_data(&reply, json_string(large), 0, FORMAT_JSON);
    size_t plain = reply_length(&reply);
    reply_pack(&reply, "br, gzip");
    cr_expect(reply.packed);
    cr_expect_lt(reply_length(&reply), plain / 10);
    cr_expect_eq(reply_body_length(reply.body), plain);
    reply_release(&reply);
    large[REPLY_PACK_LENGTH - strlen("{\"data\":\"\"}")] = '\0';
    reply_data(&reply, json_string(large), 0, FORMAT_JSON);
    cr_assert_eq(reply_length(&reply), REPLY_PACK_LENGTH);
    reply_pack(&reply, "gzip");
    cr_expect_not(reply.packed);
    reply_release(&reply);
}

Test(server_reply, status)
{
    static const unsigned expected[][2] = {
        {ERROR_FAILED, 500},     {ERROR_INVALID, 400},  {ERROR_UNAUTHENTICATED, 401}, {ERROR_FORBIDDEN, 403},
        {ERROR_NOT_FOUND, 500},  {ERROR_CONFLICT, 500}, {ERROR_NO_METHOD, 501},       {ERROR_TOO_LARGE, 501},
        {ERROR_MEDIA_TYPE, 506}, {ERROR_NO_HOST, 500},  {ERROR_UNREADABLE, 400},      {ERROR_BUSY, 503},
    };

    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        struct error err = {.kind = expected[i][0]};
        cr_expect_eq(reply_status(&err), expected[i][1], "kind %u", expected[i][0]);
    }
}

static const char *phrase(const char *message)
{
    struct reply reply;
    struct error err;

    error_set(&err, ERROR_FAILED, "%s", message);
    reply_error(&reply, &err, NULL, FORMAT_JSON);
    snprintf(shown, sizeof(shown), "%s", reply.phrase);
    cr_assert_lt(strlen(shown), sizeof(reply.phrase));
    reply_release(&reply);
    return shown;
}

Test(server_reply, reason_phrase_is_the_first_line_and_cannot_forge_headers)
{
    autofree char *longest = xcalloc(1001, 1);

    memset(longest, 'a', 1000);
    cr_expect_str_eq(phrase("no such user ('x')"), "no such user ('x')");
    cr_expect_str_eq(phrase("first\nsecond"), "first");
    cr_expect_str_eq(phrase("a\r\nSet-Cookie: b"), "a?");
    cr_expect_str_eq(phrase("\x01\x7f\xc3\xa4"), "????");
    cr_expect_eq(strlen(phrase(longest)), sizeof(((struct reply *)NULL)->phrase) - 1);
}

Test(server_reply, who_is_not_let_in_gets_no_body)
{
    struct reply reply;
    struct error err;

    error_set(&err, ERROR_UNAUTHENTICATED, "Authentication failed!");
    reply_unauthenticated(&reply, &err);
    cr_expect_eq(reply.status, 401);
    cr_expect_str_eq(reply.phrase, "Authentication failed!");
    cr_expect_null(reply.body);
    cr_expect_null(reply.type);
    reply_release(&reply);
}

Test(server_reply, file_keeps_its_type_where_equal_requests_share_it)
{
    struct reply reply, other;

    reply_download(&reply, json_string("a\n"), "task \"\r\nX.log");
    cr_expect_str_eq(reply.name, "task____X.log", "nothing that could end the header");
    cr_expect_str_eq(reply_body_bytes(reply.body), "a\n");
    reply_tag(&reply, "*");
    cr_expect_eq(reply.status, 304);
    reply_share(&other, &reply);
    cr_expect_eq(other.status, 200);
    cr_expect_str_eq(other.type, "text/plain;charset=UTF-8");
    reply_release(&reply);
    reply_release(&other);
}

static struct reply_body *body_of(const char *text)
{
    struct reply reply;

    reply_data(&reply, json_string(text), 0, FORMAT_JSON);
    return reply.body;
}

/* Keeps a reply under the name. */
static void keep(struct reply_cache *cache, const char *uri, uint64_t version, const char *text)
{
    autojson json_t *params = json_object();
    struct reply_body *body = body_of(text);

    reply_cache_put(cache, uri, cached_reply_new(&(struct request){.params = params}, version, body));
    reply_body_release(body);
}

/* "VERSION LENGTH" of the reply, "" if there is none. */
static const char *find(struct reply_cache *cache, const char *uri)
{
    struct cached_reply *cached = reply_cache_find(cache, uri);

    shown[0] = '\0';
    if (cached != NULL)
        snprintf(shown, sizeof(shown), "%d %zu", (int)cached_reply_version(cached),
                 reply_body_length(cached_reply_body(cached)) - strlen("{\"data\":\"\"}"));
    cached_reply_release(cached);
    return shown;
}

Test(server_cache, newest_reply_to_a_uri)
{
    struct reply_cache *cache = reply_cache_new();

    cr_expect_str_eq(find(cache, "/a"), "");
    keep(cache, "/a", 1, "x");
    cr_expect_str_eq(find(cache, "/a"), "1 1");
    cr_expect_str_eq(find(cache, "/a?b=1"), "");
    keep(cache, "/a?b=1", 1, "xy");
    keep(cache, "/a", 2, "xyz");
    cr_expect_str_eq(find(cache, "/a"), "2 3");
    cr_expect_str_eq(find(cache, "/a?b=1"), "1 2");
    reply_cache_free(cache);
}

Test(server_cache, reply_in_use_outlives_the_cache)
{
    struct reply_cache *cache = reply_cache_new();

    keep(cache, "/a", 1, "x");
    struct cached_reply *cached = reply_cache_find(cache, "/a");
    reply_cache_free(cache);
    cr_expect_eq(reply_body_length(cached_reply_body(cached)), strlen("{\"data\":\"x\"}"));
    cached_reply_release(cached);
}

Test(server_cache, least_recently_used_one_goes)
{
    struct reply_cache *cache = reply_cache_new();
    char uri[16];

    for (int i = 0; i <= CACHE_ENTRIES; i++) {
        snprintf(uri, sizeof(uri), "/%d", i);
        keep(cache, uri, 1, "a");
        cr_expect_str_eq(find(cache, "/0"), "1 1", "it is used all the time");
    }
    cr_expect_str_eq(find(cache, "/1"), "", "the oldest of the others");
    cr_expect_str_eq(find(cache, "/2"), "1 1");
    reply_cache_free(cache);
}

Test(server_cache, few_bytes_are_kept)
{
    struct reply_cache *cache = reply_cache_new();
    autofree char *half = xcalloc(CACHE_BYTES / 2 + 1, 1), *huge = xcalloc(2 * CACHE_BYTES, 1);

    memset(half, 'a', CACHE_BYTES / 2);
    memset(huge, 'a', 2 * CACHE_BYTES - 1);
    keep(cache, "/small", 1, "a");
    keep(cache, "/half", 1, half);
    cr_expect_str_eq(find(cache, "/small"), "1 1");
    keep(cache, "/other-half", 1, half);
    cr_expect_str_eq(find(cache, "/half"), "");
    cr_expect_str_eq(find(cache, "/small"), "1 1", "it was used since");
    keep(cache, "/huge", 1, huge);
    cr_expect_str_neq(find(cache, "/huge"), "", "one is kept however large it is");
    cr_expect_str_eq(find(cache, "/small"), "");
    keep(cache, "/small", 1, "a");
    cr_expect_str_eq(find(cache, "/huge"), "");
    cr_expect_str_eq(find(cache, "/small"), "1 1");
    reply_cache_free(cache);
}
